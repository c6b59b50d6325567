import { describe, expect, it } from "vitest";
import { type CutWays, cutWithFallbacks, type Making } from "../../../services/ffmpeg/exact/cut-with-fallbacks.ts";
import { SegmentError, UndecodableSegmentsError } from "../../../services/ffmpeg/exact/segment-error.ts";
import type { SeekPoint } from "../../../services/ffmpeg/source/seek-point.ts";
import type { MadeSegment } from "../../../services/split/ports/media-tools.ts";
import { NEVER, quietLog } from "../../fixtures/quiet.ts";

const SEEK: SeekPoint = { options: [], packet: 0, needed: 0, time: 0, start: Buffer.alloc(0) };

const segment = (index: number, made: MadeSegment["made"]): MadeSegment => ({
  ...{ index, path: "", bytes: 1, made, codec: "h264", audioCodecs: [] },
  proof: {
    ...{ frames: 1, undecodable: 0, copiedFrames: 0, start: index, end: index + 1 },
    ...{ largestTimeError: 0, largestAudioOffset: 0 },
  },
});

/** Segments of which each way can't make some, and how often the source was read from its start. */
class Video {
  readingsFromStart = 0;

  way(made: MadeSegment["made"], failing: (index: number) => Error | undefined = () => undefined): Making {
    const video = this;
    return async function* ({ from, last, seek }) {
      if (seek === undefined) video.readingsFromStart += 1;
      for (let index = from; index <= last; index += 1) {
        const error = failing(index);
        if (error !== undefined) throw error;
        yield segment(index, made);
      }
    };
  }
}

const failed = (index: number) => new SegmentError(`segment ${index}`);

async function cut(video: Video, ways: Pick<CutWays, "stitch" | "encodings" | "last"> & Partial<CutWays>) {
  const made: string[] = [];
  const cutting = cutWithFallbacks({
    copy: () => video.way("copied"),
    withFewerAnchors: () => false,
    from: 0,
    signal: NEVER,
    log: quietLog,
    ...ways,
  });
  for await (const one of cutting) made.push(`${one.index} ${one.made}`);
  return made;
}

describe("cutting exactly, in the best way that works for each segment", () => {
  it("encodes what can't be stitched, and stitches what is behind it", async () => {
    const video = new Video();
    const stitch = video.way("stitched", (index) => (index % 2 === 1 ? failed(index) : undefined));
    const encodings = [{ codec: "h264", make: video.way("encoded"), startOf: (index: number) => index }];
    expect(await cut(video, { stitch, encodings, last: 4, seekTo: async () => SEEK })).toEqual([
      "0 stitched",
      "1 encoded",
      "2 stitched",
      "3 encoded",
      "4 stitched",
    ]);
  });

  it("copies only what was tried of several segments that an encoder found undecodable", async () => {
    const video = new Video();
    const stitch = video.way("stitched", (index) => (index === 1 ? failed(index) : undefined));
    // The run that it belongs to ends behind segment 3.
    const undecodable = video.way("encoded", (from) => new UndecodableSegmentsError({ from, end: 4 }));
    const encodings = [{ codec: "h264", make: undecodable, startOf: (index: number) => index }];
    expect(await cut(video, { stitch, encodings, last: 3, seekTo: async () => SEEK })).toEqual([
      "0 stitched",
      "1 copied",
      "2 stitched",
      "3 stitched",
    ]);
  });

  it("reads from the start for a few segments at most, where nothing else can be sought", async () => {
    const video = new Video();
    const stitch = video.way("stitched", (index) => (index % 2 === 1 ? failed(index) : undefined));
    const encodings = [{ codec: "h264", make: video.way("encoded"), startOf: (index: number) => index }];
    const made = await cut(video, { stitch, encodings, last: 99 });
    expect(made.slice(0, 9)).toEqual([
      ...["0 stitched", "1 encoded", "2 stitched", "3 encoded", "4 stitched", "5 encoded", "6 stitched"],
      ...["7 encoded", "8 encoded"],
    ]);
    expect(made).toHaveLength(100);
    expect(video.readingsFromStart).toBe(8);
  });

  it("also where several encoders are tried", async () => {
    const video = new Video();
    const best = video.way("encoded", (index) => (index % 2 === 1 ? failed(index) : undefined));
    const encodings = [best, video.way("encoded")].map((make) => ({
      ...{ codec: "h264", make, startOf: (index: number) => index },
    }));
    expect(await cut(video, { stitch: undefined, encodings, last: 99 })).toHaveLength(100);
    expect(video.readingsFromStart).toBe(8);
  });

  it("counts a segment once for which several ways fail", async () => {
    const video = new Video();
    const isOdd = (index: number) => (index % 2 === 1 ? failed(index) : undefined);
    const encodings = [video.way("encoded", isOdd), video.way("encoded")].map((make) => ({
      ...{ codec: "h264", make, startOf: (index: number) => index },
    }));
    const made = await cut(video, { stitch: video.way("stitched", isOdd), encodings, last: 99 });
    expect(made.filter((one) => one.endsWith("stitched"))).toEqual(
      ["0", "2", "4", "6"].map((one) => `${one} stitched`),
    );
  });

  it("has no such limit where each segment can be sought", async () => {
    const video = new Video();
    const stitch = video.way("stitched", (index) => (index % 2 === 1 ? failed(index) : undefined));
    const encodings = [{ codec: "h264", make: video.way("encoded"), startOf: (index: number) => index }];
    const made = await cut(video, { stitch, encodings, last: 99, seekTo: async () => SEEK });
    expect(made.filter((one) => one.endsWith("stitched"))).toHaveLength(50);
  });
});
