import type { RunningPacketCheck } from "../../assembly/segment-finisher.ts";
import { fragmentHeader } from "../../formats/iso/fragments.ts";
import { NalReader } from "../../formats/nal/units.ts";
import { isCausedByFile } from "../../process/errors.ts";
import { readPacketLines } from "../../process/packet-lines.ts";
import { runFfmpeg } from "../../process/run-ffmpeg.ts";
import { boundedDecoding } from "../../process/sandbox.ts";
import { ProofError } from "../../proof/proof-error.ts";
import { ByteQueue } from "../byte-queue.ts";
import { decodeTimes } from "../presentation-times.ts";
import type { StitchDecoding } from "../stitch-decoding.ts";
import type { DriftSamples } from "./anchored-heads.ts";
import { leastPsnr, MIN_DRIFT_PSNR } from "./drift.ts";

/** The first packets of a segment: a whole anchored head, and some copied packets behind it. */
export type AnchoredBeginning = {
  /** Ranks of the packets, in decode order. */
  ranks: readonly number[];
  /** Number of packets in the head. */
  head: number;
  samples: DriftSamples;
};

/** Bytes that may wait for a running decoder to read them. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/**
 * Decodes an anchored head from its segment's file, and compares the sampled frames with the
 * source's. Fails where a frame is missing, where the decoder reports anything, and where a frame
 * drifted too far.
 */
export function checkAnchoredHead(decoding: StitchDecoding, beginning: AnchoredBeginning): RunningPacketCheck {
  const { binary, directory, header, ticksPerSecond } = decoding;
  const { ranks, head, samples } = beginning;
  const stopping = new AbortController();
  const signal = AbortSignal.any([decoding.signal, stopping.signal]);
  const queue = new ByteQueue(MAX_UNREAD_BYTES, signal);
  const reader = new NalReader();
  const shown = ranks.map((rank) => rank * ticksPerSecond);
  const decoded = decodeTimes(shown);
  // No time is negative.
  const shift = ticksPerSecond - Math.min(...decoded);
  const only = samples.ranks.map((rank) => `eq(pts,${rank * ticksPerSecond + shift})`).join("+");
  let frames = 0;
  let compared: Awaited<ReturnType<typeof leastPsnr>> | undefined;
  const input = ["-hide_banner", "-loglevel", "error", "-copyts", ...boundedDecoding, "-flags2", "+ignorecrop"];
  const video = ["-map", "0:v:0", "-vsync", "passthrough"];
  const run = runFfmpeg(
    {
      ...{ binary, directory, signal },
      pipedInput: { options: [...input, "-noautorotate", "-f", "mp4"] },
      pipes: {
        frames: [...video, "-c:v", "wrapped_avframe", "-f", "framecrc"],
        pixels: [...video, "-enc_time_base", "-1", "-vf", `select='${only}'`, "-c:v", "rawvideo", "-f", "rawvideo"],
      },
    },
    async ({ input: pipe, outputs }) => {
      const feed = async () => {
        for await (const data of queue) await pipe.write(data);
        pipe.end();
      };
      const count = async () => {
        for await (const _ of readPacketLines(outputs.frames)) frames += 1;
      };
      const compare = async () => {
        compared = await leastPsnr([outputs.pixels, samples.pixels.chunks()], samples.format);
      };
      await Promise.all([feed(), count(), compare()]);
    },
  ).finally(() => queue.close());
  // `end` reports it, if it's still called.
  run.catch(() => {});

  let least: number | undefined;
  return {
    get leastPsnr() {
      return least;
    },
    onPacket: async (packet, number) => {
      if (number >= ranks.length) return;
      const framed = reader.framed(packet);
      const offset = shown[number]! - decoded[number]!;
      const sample = { duration: ticksPerSecond, size: framed.length, key: number === 0, offset };
      if (number === 0) queue.add(header.withFrameSize(samples.format.size).bytes);
      queue.add(Buffer.concat([fragmentHeader(decoded[number]! + shift, [sample]), framed]));
      await queue.room();
    },
    end: async () => {
      queue.end();
      const { stderr } = await run.catch((error: unknown) => {
        if (!isCausedByFile(error)) throw error;
        throw new ProofError(`an anchored beginning can't be decoded (${String(error)})`, { cause: error });
      });
      // Where the stream breaks off, decoders don't return all of the reordered copied frames.
      if (frames < head) throw new ProofError(`${frames} of ${head} frames of an anchored beginning can be decoded`);
      if (stderr !== "") throw new ProofError(`the decoder reports errors in an anchored beginning: ${stderr}`);
      if (compared?.frames !== samples.ranks.length)
        throw new ProofError(`${compared?.frames ?? 0} of ${samples.ranks.length} sampled frames can be decoded`);
      if (compared.least < MIN_DRIFT_PSNR)
        throw new ProofError(
          `a copied frame drifted to ${compared.least.toFixed(1)} dB; at least ${MIN_DRIFT_PSNR} are required`,
        );
      least = compared.least;
    },
    stop: async () => {
      stopping.abort(new Error("the check of an anchored beginning was stopped"));
      await run.catch(() => {});
    },
  };
}
