import type { Assembly } from "../assembly/assembly.ts";
import type { Origin } from "../assembly/origin.ts";
import type { PictureReading } from "../assembly/source-reading.ts";
import type { SpoolFolder } from "../assembly/spool.ts";
import { readMatroska } from "../formats/matroska/reader.ts";
import { type MatroskaHeader, matroskaHeader } from "../formats/matroska/writer.ts";
import { unreadable } from "../process/errors.ts";
import { PACKET_LINES, readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { type EncodedFrame, EncodedWriter } from "./encoded-writer.ts";
import type { Encoder } from "./encoders.ts";
import { FrameTimes } from "./frame-times.ts";

export type Reencoding = {
  /** ffmpeg's index of the stream. */
  video: number;
  encoder: Encoder;
  /** When each segment starts, in seconds from the first frame. */
  starts: readonly number[];
  segmentSeconds: number;
  /** The first segment that is needed. */
  from: number;
  spools: SpoolFolder;
  signal: AbortSignal;
};

type ReencodedPipes = Readonly<Record<"decoded" | "encoded", OutputPipe>>;

/** Seconds of a lone frame. */
const LONE_FRAME_SECONDS = 0.04;

/**
 * The exact cut of what can't be stitched: the source is decoded in one forward reading and encoded
 * whole, with a keyframe at each boundary. What the decoder gives counts as the source's frames.
 */
export class Reencoder implements PictureReading {
  readonly outputs: PictureReading["outputs"];
  readonly #reencoding: Reencoding;
  readonly #assembly: Assembly;

  constructor(reencoding: Reencoding, assembly: Assembly) {
    this.#reencoding = reencoding;
    this.#assembly = assembly;
    const { video, encoder, segmentSeconds } = reencoding;
    const map = ["-map", `0:${video}`, "-map_chapters", "-1", "-vsync", "passthrough"];
    const filters = encoder.filters.length === 0 ? [] : ["-vf", encoder.filters.join(",")];
    // Times count from the first frame, which is kept in a variable: a filter that moves them begins
    // anew where the picture's size changes. A boundary that no frame follows for a while is made up
    // for by the next ones: keyframes too many do no harm.
    const isDue = `gte(t-ld(0),n_forced*${segmentSeconds}-0.000002)`;
    const boundaries = `expr:if(isnan(prev_forced_t),1+0*st(0,t),${isDue})`;
    this.outputs = {
      decoded: [...map, "-enc_time_base", "-1", "-c:v", "wrapped_avframe", ...PACKET_LINES],
      encoded: [
        ...[...map, "-enc_time_base", encoder.clock, ...filters, "-force_key_frames", boundaries],
        ...[...encoder.options, "-flush_packets", "1", "-f", "matroska"],
      ],
    };
  }

  async read({ decoded, encoded }: ReencodedPipes, origin: Origin): Promise<void> {
    const times = new FrameTimes();
    await Promise.all([readTimes(decoded, times, origin), this.#readEncoded(encoded, times)]);
  }

  /** Nothing of it runs but the reading itself. */
  async ended(): Promise<void> {}

  async #readEncoded(pipe: OutputPipe, times: FrameTimes): Promise<void> {
    const { signal } = this.#reencoding;
    let writer: EncodedWriter | undefined;
    let pending: EncodedFrame | undefined;
    let count = 0;
    const onTracks = (tracks: Parameters<typeof matroskaHeader>[0]) => {
      writer = this.#writer(matroskaHeader(tracks));
    };
    await readMatroska(pipe, onTracks, async ({ data, key }) => {
      if (writer === undefined) throw unreadable("ffmpeg wrote no header for what it encoded");
      const time = await times.of(count, signal);
      count += 1;
      if (pending !== undefined) await writer.add(pending, time);
      pending = { time, key, data: Buffer.from(data) };
      await this.#assembly.pictureRead(time);
    });
    if (writer === undefined || pending === undefined) return;
    // What follows it isn't known: it is as long as the others are on average.
    const mean = pending.time / Math.max(1, count - 1) || LONE_FRAME_SECONDS;
    await writer.add(pending, pending.time + mean);
    writer.end();
  }

  #writer(header: MatroskaHeader): EncodedWriter {
    const { encoder, starts, from, spools } = this.#reencoding;
    return new EncodedWriter({ codec: encoder.codec, header, starts, from, spools }, this.#assembly);
  }
}

async function readTimes(lines: OutputPipe, times: FrameTimes, origin: Origin): Promise<void> {
  let first: number | undefined;
  for await (const { clock, line } of readPacketLines(lines)) {
    const time = ((line.pts ?? line.dts) * clock.num) / clock.den;
    first ??= time;
    origin.set(first);
    times.add(time - first);
  }
  times.end();
}
