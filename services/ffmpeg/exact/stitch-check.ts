import type { ExactSegment, Ranks } from "../../split/domain/exact-plan.ts";
import type { RunningPacketCheck } from "../assembly/segment-finisher.ts";
import { fragmentHeader, type Mp4Header } from "../formats/iso/fragments.ts";
import { NalReader } from "../formats/nal/units.ts";
import { isCausedByFile } from "../process/errors.ts";
import { readPacketLines } from "../process/packet-lines.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import { ProofError } from "../proof/proof-error.ts";
import { ByteQueue } from "./byte-queue.ts";

export type Decoding = {
  binary: string;
  directory: string;
  /** With the decoder's configuration that the produced file has. */
  header: Mp4Header;
  ticksPerSecond: number;
  signal: AbortSignal;
};

/** A decoder holds back fewer frames than this. */
const MAX_FOLLOWING_FRAMES = 18;

/** What a decoder may be given before it has read it. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

const countOf = ({ from, to }: Ranks): number => to - from;

/**
 * What was encoded of a segment is decoded again: the head with the copied frames that follow it,
 * and the tail. Not as one, since decoders may drop what they hold back when the parameters change,
 * and most of what comes between is left out.
 */
export function checkStitches(decoding: Decoding, segment: ExactSegment): RunningPacketCheck {
  const [head, tail] = [countOf(segment.head), countOf(segment.tail)];
  const tailFrom = countOf(segment.ranks) - tail;
  const headTo = head + Math.min(MAX_FOLLOWING_FRAMES, tailFrom - head);
  const checks: RunningPacketCheck[] = [];
  // Decoders keep some of the copied frames, which are reordered, to themselves where the stream
  // breaks off.
  if (head > 0) checks.push(checkFrames(decoding, { from: 0, to: headTo }, head + 1));
  if (tail > 0) checks.push(checkFrames(decoding, { from: tailFrom, to: tailFrom + tail }, tail));
  return {
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

/**
 * Decodes the packets from number `from`, a keyframe, up to `to`, of which at least so many frames
 * must come.
 */
function checkFrames(decoding: Decoding, { from, to }: Ranks, least: number): RunningPacketCheck {
  const { binary, directory, header, ticksPerSecond } = decoding;
  const stopping = new AbortController();
  const signal = AbortSignal.any([decoding.signal, stopping.signal]);
  const queue = new ByteQueue(MAX_UNREAD_BYTES, signal);
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
  // Reported by `end`, if that is still called.
  run.catch(() => {});

  return {
    onPacket: async (packet, number) => {
      if (number < from || number >= to) return;
      const framed = reader.framed(packet);
      const sample = { duration: 1, size: framed.length, key: fed === 0, offset: 0 };
      if (fed === 0) queue.add(header.bytes);
      fed += 1;
      // In decode order: what was encoded is in order, and only the number of the copied frames
      // counts.
      queue.add(Buffer.concat([fragmentHeader(fed * ticksPerSecond, [sample]), framed]));
      await queue.room();
    },
    end: async () => {
      queue.end();
      const { stderr } = await run.catch((error: unknown) => {
        if (!isCausedByFile(error)) throw error;
        throw new ProofError(`the joints can't be decoded (${String(error)})`, { cause: error });
      });
      if (frames < least) throw new ProofError(`of ${least} frames at a joint, ${frames} can be decoded`);
      if (stderr !== "") throw new ProofError(`at the joints the decoder says: ${stderr}`);
    },
    stop: async () => {
      stopping.abort(new Error("the joints aren't checked any more"));
      await run.catch(() => {});
    },
  };
}
