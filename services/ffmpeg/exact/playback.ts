import { fragmentHeader, type Mp4Head } from "../formats/fragmented-mp4.ts";
import { NalReader } from "../formats/nal-units.ts";
import { isOfTheFile } from "../process/errors.ts";
import { readPacketLines } from "../process/packet-lines.ts";
import type { InputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import { ProofError } from "../proof/proof.ts";

export type Playback = {
  binary: string;
  directory: string;
  /** With the decoder's configuration that the produced file has. */
  head: Mp4Head;
  ticks: number;
  /** Whether the packet of this ordinal, in decode order, is decoded. The first must be a keyframe. */
  isDecoded: (packet: number) => boolean;
  /** How many frames must come of them: decoders keep some that are reordered to themselves where a stream breaks off. */
  least: number;
  signal: AbortSignal;
};

/**
 * Decodes some of a produced file's packets, as they come out of it. `end` throws `ProofError` unless enough frames came
 * of them and the decoder had nothing to complain of.
 */
export function checkPlayback({ binary, directory, head, ticks, isDecoded, least, signal }: Playback) {
  let provide: (input: InputPipe) => void = () => {};
  const input = new Promise<InputPipe>((resolve) => {
    provide = resolve;
  });
  const reader = new NalReader();
  let fed = 0;
  let frames = 0;
  let complaints = "";
  let failure: { reason: unknown } | undefined;
  const finished = runFfmpeg(
    {
      binary,
      directory,
      signal,
      pipedInput: { options: ["-hide_banner", "-loglevel", "error", "-copyts", ...boundedDecoding, "-f", "mp4"] },
      pipes: {
        frames: ["-map", "0:v:0", "-vsync", "passthrough", "-c:v", "wrapped_avframe", "-f", "framecrc"],
      },
    },
    async ({ input: pipe, outputs }) => {
      provide(pipe);
      for await (const _ of readPacketLines(outputs.frames)) frames += 1;
    },
  ).then(
    ({ stderr }) => {
      complaints = stderr;
    },
    (reason: unknown) => {
      failure = { reason };
    },
  );
  const write = async (data: Buffer) => {
    const writable = await Promise.race([input, finished]);
    await writable?.write(data);
  };
  return {
    onPacket: async (data: Buffer, packet: number) => {
      if (!isDecoded(packet)) return;
      if (fed === 0) await write(head.bytes);
      const framed = reader.framed(data);
      fed += 1;
      // In the order of decoding: what was encoded is in order, and of the copied there's one.
      const sample = { duration: 1, size: framed.length, key: fed === 1, offset: 0 };
      await write(Buffer.concat([fragmentHeader(fed * ticks, [sample]), framed]));
    },
    end: async () => {
      const writable = await Promise.race([input, finished]);
      writable?.end();
      await finished;
      signal.throwIfAborted();
      if (failure !== undefined && !isOfTheFile(failure.reason)) throw failure.reason;
      if (failure !== undefined)
        throw new ProofError(`the joints can't be decoded (${String(failure.reason)})`, { cause: failure.reason });
      if (frames < least) throw new ProofError(`of ${least} frames at a joint, ${frames} can be decoded`);
      if (complaints !== "") throw new ProofError(`at the joints the decoder says: ${complaints}`);
    },
  };
}
