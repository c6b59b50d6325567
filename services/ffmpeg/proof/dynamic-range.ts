import * as z from "zod";
import { runFfprobe } from "../process/ffprobe.ts";
import type { SourceAddress } from "../process/sandbox.ts";
import { ProofError } from "./proof-error.ts";
import { LATE_VIDEO_OPTIONS, type SegmentFile } from "./segment-file.ts";

/** How bright the pictures of an HDR video are meant: what their first frame says, in ffprobe's names. */
type DynamicRange = {
  /** Transfer, primaries and matrix, in the order of `COLOURS`. */
  colours: readonly string[];
  /** How the picture was mastered, and light levels. */
  sideData: readonly string[];
};

/** PQ and HLG. ITU-R BT.2100. */
const HDR_TRANSFERS: readonly (string | undefined)[] = ["smpte2084", "arib-std-b67"];

export const isHdr = (transfer: string | undefined): boolean => HDR_TRANSFERS.includes(transfer);

const COLOURS = ["color_transfer", "color_primaries", "color_space"] as const;

/**
 * Dolby Vision's own layer belongs to the pictures as they were encoded first, and a phone's ambient light is in a box (amve)
 * that ffmpeg reads and doesn't write.
 */
const KEPT = /^(?:Mastering display|Content light level|HDR Dynamic Metadata)/;

const Frames = z.object({
  frames: z
    .array(
      z.object({
        color_transfer: z.string().optional(),
        color_primaries: z.string().optional(),
        color_space: z.string().optional(),
        side_data_list: z.array(z.object({ side_data_type: z.string().default("") })).default([]),
      }),
    )
    .default([]),
});

type RangeReading = {
  /** Of ffprobe. */
  binary: string;
  /** A path, or the source's URL. */
  from: string;
  /** Where it's the source. */
  source?: SourceAddress;
  /** ffprobe's options of what it reads. */
  options: readonly string[];
  /** ffmpeg's index of the stream, or "v:0". */
  stream: string;
  signal: AbortSignal;
};

/** Decodes the first frame. */
async function readDynamicRange({ from, options, stream, ...run }: RangeReading): Promise<DynamicRange> {
  const lines: string[] = [];
  const first = ["-select_streams", stream, "-read_intervals", "%+#1", "-show_frames", "-of", "json"];
  const args = [...options, ...first, from];
  await runFfprobe({ ...run, args, onLine: (line) => lines.push(line) });
  const [frame] = Frames.parse(JSON.parse(lines.join("\n"))).frames;
  const sideData = (frame?.side_data_list ?? []).map(({ side_data_type }) => side_data_type);
  return {
    colours: COLOURS.map((name) => frame?.[name] ?? "unknown"),
    sideData: [...new Set(sideData)].filter((name) => KEPT.test(name)),
  };
}

/** Throws `ProofError` for what a segment says otherwise than its source, or leaves out. */
export type DynamicRangeCheck = (segment: Pick<SegmentFile, "path" | "signal">) => Promise<void>;

/** Holds segments against the source, of which the first frame is read once. */
export async function dynamicRangeCheck(source: RangeReading): Promise<DynamicRangeCheck> {
  const expected = await readDynamicRange(source);
  return async ({ path, signal }) => {
    const { binary } = source;
    const found = await readDynamicRange({ binary, from: path, options: LATE_VIDEO_OPTIONS, stream: "v:0", signal });
    for (const [at, value] of expected.colours.entries())
      if (value !== "unknown" && found.colours[at] !== value)
        throw new ProofError(`the segment's ${COLOURS[at]} is ${found.colours[at]}, and the source's is ${value}`);
    for (const name of expected.sideData)
      if (!found.sideData.includes(name)) throw new ProofError(`the segment has lost the source's ${name}`);
  };
}
