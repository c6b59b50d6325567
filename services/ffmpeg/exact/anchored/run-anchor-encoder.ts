import type { Spool } from "../../assembly/spool.ts";
import { readMatroska } from "../../formats/matroska/reader.ts";
import type { OutputPipe } from "../../process/program.ts";
import { runFfmpeg } from "../../process/run-ffmpeg.ts";
import { type BoundaryEncoderRun, boundaryInput, boundaryOutput, readEncodedRuns } from "../run-boundary-encoder.ts";
import { StitchError } from "../stitch-error.ts";

export type AnchorEncoderRun = BoundaryEncoderRun & {
  /** ffmpeg's options of the anchors' encoder. */
  anchorOptions: readonly string[];
  /** Ranks of the frames to encode as anchors, rising; those in `starts` begin with an IDR picture. */
  anchors: readonly number[];
  starts: readonly number[];
  /** Ranks of the frames whose pixels are written to `samples`, rising. */
  sampled: readonly number[];
  samples: Spool;
  /** Filters that give decoded frames, which have their coded size, the displayed one. */
  crop: readonly string[];
};

/** An encoded picture in length format. */
export type EncodedAnchors = { configuration: Buffer; pictures: Buffer[] };

const only = (ranks: readonly number[], tickOf: (rank: number) => number): string =>
  `select='${ranks.map((rank) => `eq(pts,${tickOf(rank)})`).join("+")}'`;

/** Whole pictures as coded: anchors are encoded at that size. */
const UNCROPPED = ["-flags2", "+ignorecrop"];

/** Times halfway between a frame and the one before. */
function forcedKeyframes({ anchors, starts, tickOf, ticksPerSecond }: AnchorEncoderRun): string[] {
  const times = starts
    .filter((rank) => rank !== anchors[0])
    .map((rank) => (tickOf(rank) + tickOf(anchors[anchors.indexOf(rank) - 1]!)) / 2 / ticksPerSecond);
  return times.length > 0 ? ["-force_key_frames", times.map((time) => time.toFixed(6)).join(",")] : [];
}

/**
 * Decodes a whole group of pictures once: encodes the anchors and the other runs (`runs`), and
 * writes the sampled frames. Throws `StitchError` for another number of anchors.
 */
export async function runAnchorEncoder(encoding: AnchorEncoderRun): Promise<EncodedAnchors> {
  const { binary, directory, signal, source, runs, tickOf, anchors, anchorOptions, sampled, samples, crop } = encoding;
  const kept = ["-vsync", "passthrough", "-enc_time_base", "-1"];
  const pipes = {
    anchors: [
      ...["-map", "0:v:0", "-vf", only(anchors, tickOf), ...kept, ...forcedKeyframes(encoding), ...anchorOptions],
      ...["-avoid_negative_ts", "disabled", "-f", "matroska"],
    ],
    samples: ["-map", "0:v:0", "-vf", only(sampled, tickOf), ...kept, "-c:v", "rawvideo", "-f", "rawvideo"],
    others: runs.length === 0 ? [] : [boundaryOutput(encoding, crop)],
  };
  const encoded: EncodedAnchors = { configuration: Buffer.alloc(0), pictures: [] };
  const pipedInput = { options: [...boundaryInput(), ...UNCROPPED] };
  await runFfmpeg({ binary, directory, signal, pipedInput, pipes }, async ({ input, outputs }) => {
    const feed = async () => {
      for await (const data of source) await input.write(data);
      input.end();
    };
    const onTracks = ([track]: { codecPrivate: Buffer | undefined }[]) => {
      encoded.configuration = track?.codecPrivate ?? encoded.configuration;
    };
    const onPacket = async ({ data }: { data: Buffer }) => void encoded.pictures.push(data);
    await Promise.all([
      feed(),
      readMatroska(outputs.anchors, onTracks, onPacket),
      writeAll(outputs.samples, samples),
      ...outputs.others.map((pipe) => readEncodedRuns(encoding, pipe)),
    ]);
  });
  if (encoded.pictures.length !== anchors.length)
    throw new StitchError(`${encoded.pictures.length} of ${anchors.length} anchors were encoded`);
  return encoded;
}

async function writeAll(pipe: OutputPipe, spool: Spool): Promise<void> {
  for await (const chunk of pipe) await spool.write(chunk);
}
