import * as z from "zod";
import { runFfprobe } from "../process/ffprobe.ts";
import type { SourceAddress } from "../process/sandbox.ts";
import { ProofError } from "./proof-error.ts";
import { LATE_VIDEO_OPTIONS, type SegmentFile } from "./segment-file.ts";

/** HDR metadata of a video's first frame, in ffprobe's names. */
type DynamicRange = {
  /** Transfer, primaries and matrix, in the order of `COLOURS`. */
  colours: readonly string[];
  /** Types of side data: mastering display and light levels. */
  sideData: readonly string[];
};

/** PQ and HLG. ITU-R BT.2100. */
const HDR_TRANSFERS: readonly (string | undefined)[] = ["smpte2084", "arib-std-b67"];

export const isHdr = (transfer: string | undefined): boolean => HDR_TRANSFERS.includes(transfer);

const COLOURS = ["color_transfer", "color_primaries", "color_space"] as const;

/**
 * Side data that segments must keep. Dolby Vision metadata belongs to the original encoding, and a
 * phone's ambient light is in a box (amve) that ffmpeg reads and doesn't write.
 */
const REQUIRED_SIDE_DATA = /^(?:Mastering display|Content light level|HDR Dynamic Metadata)/;

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

type FrameReading = {
  /** Path of ffprobe. */
  binary: string;
  /** A path, or the source's URL. */
  from: string;
  /** Address of the source, when it's read. */
  source?: SourceAddress;
  /** ffprobe's input options. */
  options: readonly string[];
  /** ffmpeg's index of the stream, or "v:0". */
  stream: string;
  signal: AbortSignal;
};

/** Decodes the first frame and returns its HDR metadata. */
async function readDynamicRange({ from, options, stream, ...run }: FrameReading): Promise<DynamicRange> {
  const lines: string[] = [];
  const first = ["-select_streams", stream, "-read_intervals", "%+#1", "-show_frames", "-of", "json"];
  const args = [...options, ...first, from];
  await runFfprobe({ ...run, args, onLine: (line) => lines.push(line) });
  const [frame] = Frames.parse(JSON.parse(lines.join("\n"))).frames;
  const sideData = (frame?.side_data_list ?? []).map(({ side_data_type }) => side_data_type);
  return {
    colours: COLOURS.map((name) => frame?.[name] ?? "unknown"),
    sideData: [...new Set(sideData)].filter((name) => REQUIRED_SIDE_DATA.test(name)),
  };
}

/** Throws `ProofError` when a segment's HDR metadata is missing or differs from the source's. */
export type DynamicRangeCheck = (segment: Pick<SegmentFile, "path" | "signal">) => Promise<void>;

/** Reads the source's first frame and returns the check of its segments. */
export async function dynamicRangeCheck(source: FrameReading): Promise<DynamicRangeCheck> {
  const expected = await readDynamicRange(source);
  return async ({ path, signal }) => {
    const { binary } = source;
    const found = await readDynamicRange({ binary, from: path, options: LATE_VIDEO_OPTIONS, stream: "v:0", signal });
    for (const [at, value] of expected.colours.entries())
      if (value !== "unknown" && found.colours[at] !== value)
        throw new ProofError(`the segment's ${COLOURS[at]} is ${found.colours[at]}; the source's is ${value}`);
    for (const name of expected.sideData)
      if (!found.sideData.includes(name)) throw new ProofError(`the segment has lost the source's ${name}`);
  };
}
