import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import { SourceFetchError, SourceUnavailableError } from "../../../services/video/errors.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { openLedger, split, type World } from "../../fixtures/split-world.ts";
import { sharedFolder } from "../../fixtures/temporary.ts";

/** S3 fails while real ffmpeg reads: its result must differ from that of damaged bytes. */

const CONTAINERS = [
  { container: "mp4", tags: [] },
  { container: "ts", tags: ["full"] },
  { container: "mkv", tags: ["full"] },
];
const CUTS = ["exact", "keyframe"] as const;
const PLACES = [0.1, 0.5, 0.9];
const SECONDS = 2.5;

/** 7 s in groups of 50 frames, which are 2 s: a boundary every 2.5 s is on no keyframe. */
const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=7:size=160x90:rate=25"];
const AUDIO = ["-f", "lavfi", "-i", "sine=frequency=440:duration=7"];
const CODECS = [
  "-c:v",
  "libx264",
  "-preset",
  "ultrafast",
  "-pix_fmt",
  "yuv420p",
  "-g",
  "50",
  "-bf",
  "2",
  "-c:a",
  "aac",
];

const files = new Map<string, string>();
const folder = sharedFolder();

beforeAll(async () => {
  const first = join(await folder, "source.mp4");
  await ffmpeg(...VIDEO, ...AUDIO, ...CODECS, first);
  files.set("mp4", first);
  for (const container of ["ts", "mkv"]) {
    const path = join(await folder, `source.${container}`);
    await ffmpeg("-i", first, "-c", "copy", path);
    files.set(container, path);
  }
});

afterAll(async () => rm(await folder, { recursive: true, force: true }));

type Failing = World["onRead"];

/** Every byte from this share of the source on fails, from the plan's announcement on. */
const failsAt =
  (place: number, bytes: number, fault: () => Error): Failing =>
  (read, announced) =>
    async function* (start, end, signal) {
      const limit = Math.floor(bytes * place);
      if (!announced.some(({ type }) => type === "SplitPlanned")) return yield* read(start, end, signal);
      if (start < limit) yield* read(start, Math.min(end, limit - 1), signal);
      if (end >= limit) throw fault();
    };

const created = (events: readonly VideoSplitEvent[]) =>
  events.flatMap((event) => (event.type === "SegmentCreated" ? [event.data] : []));
const ended = (events: readonly VideoSplitEvent[]) => events.find(({ type }) => type === "VideoSplit")?.data;

/** What a segment is, whichever attempt made it. */
const byIndex = (events: readonly VideoSplitEvent[]) =>
  created(events).sort((one, other) => one.segment_index - other.segment_index);

const optionsOf = (container: string, cut: (typeof CUTS)[number]) => ({
  file: files.get(container),
  request: { cut, segmentSeconds: SECONDS, key: `uploads/film.${container}` },
});

for (const { container, tags } of CONTAINERS)
  describe(`a source in ${container}`, { tags }, () => {
    for (const cut of CUTS)
      it(`${cut}: an attempt whose source fails announces nothing false, and the retry makes up for it`, {
        tags: cut === "exact" ? [] : ["full"],
      }, async () => {
        const options = optionsOf(container, cut);
        const calm = await split(options);
        expect(ended(calm.events)).toMatchObject({ segment_count: byIndex(calm.events).length });
        expect(ended(calm.events)).not.toHaveProperty("truncated");

        for (const place of PLACES) {
          const ledger = openLedger();
          const fault = () => new Error("S3 is down");
          const { size: bytes } = await stat(options.file!);
          const failed = await split({ ...options, ledger, onRead: failsAt(place, bytes, fault) });
          expect(failed.outcome).toBeInstanceOf(SourceFetchError);
          expect(failed.types).not.toContain("VideoSplit");
          expect(failed.types).not.toContain("VideoRejected");
          expect(failed.left).toEqual([]);
          const whole = byIndex(calm.events);
          for (const segment of created(failed.events)) expect(segment).toEqual(whole[segment.segment_index]);

          const retry = await split({ ...options, ledger });
          expect(byIndex([...failed.events, ...retry.events])).toEqual(whole);
          expect(ended(retry.events)).toEqual(ended(calm.events));
        }
      });

    it.each([
      ["SourceChanged", "overwritten"],
      ["SourceNotFound", "deleted"],
    ] as const)("%s, where the object is %s in mid-read", async (reason, what) => {
      for (const cut of CUTS) {
        const options = optionsOf(container, cut);
        const fault = () => new SourceUnavailableError(reason, `The object was ${what}`);
        const { size: bytes } = await stat(options.file!);
        const { outcome, events } = await split({ ...options, onRead: failsAt(0.5, bytes, fault) });
        expect(outcome).toMatchObject({ outcome: "rejected", reason });
        expect(ended(events)).toBeUndefined();
      }
    });
  });
