import type { ExactSegment, Ranks } from "../../split/domain/exact-segment.ts";
import type { RunningPacketCheck } from "../assembly/segment-finisher.ts";
import { fragmentHeader } from "../formats/iso/fragments.ts";
import { NalReader } from "../formats/nal/units.ts";
import { isCausedByFile } from "../process/errors.ts";
import { readPacketLines } from "../process/packet-lines.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import { ProofError } from "../proof/proof-error.ts";
import { type AnchoredBeginning, checkAnchoredHead } from "./anchored/check-anchored-head.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { StitchDecoding } from "./stitch-decoding.ts";

/** Decoders hold back fewer frames than this. */
const MAX_FOLLOWING_FRAMES = 18;

/** Bytes that may wait for a running decoder to read them. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

const countOf = ({ from, to }: Ranks): number => to - from;

/**
 * Decodes the re-encoded frames of a segment: the head with the copied frames that follow it, and
 * the tail. They are decoded separately, because decoders may drop frames that they hold back when
 * the parameters change, and because most of the frames between are skipped.
 */
export function checkStitches(
  decoding: StitchDecoding,
  segment: ExactSegment,
  anchored?: Pick<AnchoredBeginning, "ranks" | "samples">,
): RunningPacketCheck {
  const [head, tail] = [countOf(segment.head), countOf(segment.tail)];
  const tailFrom = countOf(segment.ranks) - tail;
  const headTo = head + Math.min(MAX_FOLLOWING_FRAMES, tailFrom - head);
  const checks: RunningPacketCheck[] = [];
  // Where the stream breaks off, decoders don't return all of the reordered copied frames.
  if (anchored !== undefined)
    checks.push(checkAnchoredHead(decoding, { ...anchored, ranks: anchored.ranks.slice(0, headTo), head }));
  else if (head > 0) checks.push(checkFrames(decoding, { from: 0, to: headTo }, head + 1));
  if (tail > 0) checks.push(checkFrames(decoding, { from: tailFrom, to: tailFrom + tail }, tail));
  return {
    get leastPsnr() {
      return checks[0]?.leastPsnr;
    },
    onPacket: async (packet, number) => {
      for (const check of checks) await check.onPacket(packet, number);
    },
    end: async () => {
      await Promise.all(checks.map((check) => check.end()));
    },
    stop: async () => {
      await Promise.all(checks.map((check) => check.stop()));
    },
  };
}

/** Decodes the packets `from` (a keyframe) to `to`. At least `least` frames must be returned. */
function checkFrames(decoding: StitchDecoding, { from, to }: Ranks, minFrames: number): RunningPacketCheck {
  const { binary, directory, header, ticksPerSecond } = decoding;
  const stopping = new AbortController();
  const signal = AbortSignal.any([decoding.signal, stopping.signal]);
  const queue = new ByteQueue(MAX_UNREAD_BYTES, signal, { ownsChunks: true });
  const reader = new NalReader();
  let fed = 0;
  let frames = 0;
  const run = runFfmpeg(
    {
      binary,
      directory,
      signal,
      pipedInput: { options: ["-hide_banner", "-loglevel", "error", "-copyts", ...boundedDecoding, "-f", "mp4"] },
      pipes: { frames: ["-map", "0:v:0", "-vsync", "passthrough", "-c:v", "wrapped_avframe", "-f", "framecrc"] },
    },
    async ({ input, outputs }) => {
      const feed = async () => {
        for await (const data of queue) await input.write(data);
        input.end();
      };
      const count = async () => {
        for await (const _ of readPacketLines(outputs.frames)) frames += 1;
      };
      await Promise.all([feed(), count()]);
    },
  ).finally(() => queue.close());
  // `end` reports it, if it's still called.
  run.catch(() => {});

  return {
    onPacket: async (packet, number) => {
      if (number < from || number >= to) return;
      const framed = reader.framed(packet);
      const sample = { duration: 1, size: framed.length, key: fed === 0, offset: 0 };
      if (fed === 0) queue.add(Buffer.from(header.bytes));
      fed += 1;
      // Encoded frames are in presentation order, and of the copied ones only the number counts.
      queue.add(Buffer.concat([fragmentHeader(fed * ticksPerSecond, [sample]), framed]));
      await queue.room();
    },
    end: async () => {
      queue.end();
      const { stderr } = await run.catch((error: unknown) => {
        if (!isCausedByFile(error)) throw error;
        throw new ProofError(`the re-encoded frames at a boundary can't be decoded (${String(error)})`, {
          cause: error,
        });
      });
      if (frames < minFrames)
        throw new ProofError(`${frames} of at least ${minFrames} re-encoded frames at a boundary can be decoded`);
      if (stderr !== "")
        throw new ProofError(`the decoder reports errors in the re-encoded frames at a boundary: ${stderr}`);
    },
    stop: async () => {
      stopping.abort(new Error("the check of the boundaries was stopped"));
      await run.catch(() => {});
    },
  };
}
