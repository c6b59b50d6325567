import { describe, expect, it } from "vitest";
import { leadOf } from "../../services/split/domain/early-audio.ts";
import { compare } from "../fixtures/compare.ts";
import { cutFile } from "../fixtures/cut.ts";
import { makeOdd, ODD, type OddTrait } from "../fixtures/odd-media.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** How the segments of each come about when it's cut every 2 seconds. */
const MADE: Record<OddTrait, string> = {
  "closed-groups.mp4": "copied copied copied",
  "open-groups.mp4": "copied copied copied",
  "closed-groups-hevc.mp4": "stitched stitched stitched",
  "open-groups-hevc.mp4": "stitched stitched",
  "open-groups-hevc.ts": "stitched stitched stitched",
  "group-of-1.mp4": "copied copied",
  "group-of-250.mp4": "stitched encoded encoded encoded encoded copied",
  "one-keyframe.mp4": "stitched encoded encoded",
  "boundary-on-keyframes.mp4": "copied copied copied",
  "rate-23.976.mp4": "copied stitched stitched",
  "rate-29.97.mp4": "stitched stitched",
  "rate-50.mp4": "stitched stitched",
  "variable-rate.mp4": "stitched encoded stitched encoded",
  "interlaced.mp4": "stitched stitched",
  "10-bit.mp4": "stitched stitched",
  "10-bit-hevc.mp4": "stitched stitched",
  "rotated.mp4": "stitched stitched",
  "anamorphic.mp4": "stitched stitched",
  "odd-size.mp4": "stitched stitched",
  "odd-size.webm": "encoded encoded",
  "no-audio.mkv": "stitched stitched",
  "audio-longer.mp4": "stitched stitched stitched",
  "audio-late.mp4": "stitched stitched stitched",
  "audio-early.mkv": "stitched stitched stitched",
  "two-languages.mp4": "stitched stitched",
  "subtitles.mp4": "stitched stitched",
  "data-track.mov": "stitched stitched",
  "chapters.mp4": "stitched stitched",
  "cover-art.mp4": "stitched stitched",
  "index-at-end.mov": "stitched stitched",
  "fragmented.mp4": "stitched stitched",
  "no-duration.mkv": "stitched stitched",
  "wrong-duration.mp4": "stitched stitched",
  "first-frame-at-10-s.mp4": "stitched stitched",
  "first-frame-at-10-s.ts": "stitched stitched",
  "no-initial-keyframe.ts": "stitched stitched stitched",
  "negative-decode-times.mp4": "stitched stitched",
  "hidden-by-edit-list.mp4": "stitched stitched stitched copied",
  "sub-second.mp4": "copied",
  "one-frame.mp4": "copied",
  "tail-of-0.1-s.mp4": "stitched stitched",
  "four-hours.mp4": Array(4).fill("copied").join(" "),
  "pcm.mov": "stitched stitched stitched",
  "mp3.mp4": "stitched stitched",
  "opus.mkv": "stitched stitched",
  "flash.flv": "stitched stitched",
  "vp8.webm": "encoded encoded",
  "vp9.webm": "encoded encoded",
  "av1.mp4": "encoded encoded",
  "mpeg2.ts": "encoded encoded encoded",
  "mpeg2.mpg": "encoded encoded",
  "mpeg4.avi": "encoded encoded",
  "mpeg4-with-b-frames.mp4": "encoded encoded",
  "motion-jpeg.mov": "copied copied",
  "motion-jpeg.avi": "copied copied",
  "prores.mov": "copied copied",
  "theora.ogv": "encoded encoded",
  "windows-media.wmv": "encoded encoded",
};

/** Seconds a segment; four hours in seconds would be 7,200 segments. */
const lengthFor = (trait: OddTrait): number => (trait === "four-hours.mp4" ? 4_000 : 2);

/** Mean difference in decibels: below it the frame is another one, above it no difference is visible. */
const MIN_DECIBELS = 32;

/** The others hold no time below zero, and move all to make room for decode times. */
const KEEPS_ZERO = ["mp4", "mov", "matroska", "webm", "ogg"];

/** Times are kept to a microsecond, but for containers that keep milliseconds, or frames in place of times. */
const toleranceOf = (extension: string): number =>
  ({ mkv: 0.0011, webm: 0.0011, flv: 0.0011, avi: 0.05 })[extension] ?? 1e-5;

/** What makes times and audio difficult. */
const FEW: OddTrait[] = ["open-groups.mp4", "variable-rate.mp4", "audio-late.mp4"];

describe("the exact cut of videos out of the ordinary", () => {
  for (const trait of Object.keys(ODD) as OddTrait[]) {
    const tags = FEW.includes(trait) ? [] : ["full"];
    it(`${trait}: every frame once, in order, in the right segment, at its time`, { tags }, async () => {
      const folder = await temporaryFolder();
      const path = await makeOdd(folder, trait);
      const segmentSeconds = lengthFor(trait);
      const { segments, plan, container, description } = await cutFile(path, {
        cut: "exact",
        segmentSeconds,
        directory: await temporaryFolder(),
      });
      expect(segments.map(({ made }) => made).join(" ")).toBe(MADE[trait]);

      // Decoders of Windows Media Audio output nothing for the first packet.
      const decoded = description.audio.filter(({ codec }) => !codec?.startsWith("wma"));
      const { sourceTimes, segmentTimes, decibels } = await compare(
        path,
        segments.map((segment) => ({ path: segment.path, frames: segment.proof.frames })),
      );
      const inSegments = segmentTimes.flatMap((times, index) => {
        // Audio before the first video frame is in the first segment, so the video begins later.
        const lead = index === 0 ? Math.max(0, ...decoded.map(({ start }) => leadOf(plan.origin, start))) : 0;
        const zero = KEEPS_ZERO.includes(container.muxer) ? lead : times[0]!;
        return times.map((time) => time - zero + plan.segments[index]!.start);
      });
      const all = sourceTimes.sort((one, other) => one - other);
      const source = all.map((time) => time - all[0]!);
      expect(inSegments).toHaveLength(source.length);
      const tolerance = toleranceOf(container.extension);
      expect(inSegments.filter((time, rank) => Math.abs(time - source[rank]!) > tolerance)).toEqual([]);

      expect(decibels.map((each) => each.length)).toEqual(segmentTimes.map((times) => times.length));
      expect(Math.min(...decibels.flat())).toBeGreaterThan(MIN_DECIBELS);

      // A tail shorter than half a second stays with the segment before it.
      const windows = source.map((time) =>
        Math.min(Math.floor((time + 2e-6) / segmentSeconds), segmentTimes.length - 1),
      );
      expect(segmentTimes.map((times) => times.length)).toEqual(
        segmentTimes.map((_, k) => windows.filter((window) => window === k).length),
      );
    });
  }
});
