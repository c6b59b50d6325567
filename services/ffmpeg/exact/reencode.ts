import { join } from "node:path";
import { type MatroskaHeader, matroskaCluster, matroskaHeader, readMatroska } from "../formats/matroska.ts";
import { unreadable } from "../process/errors.ts";
import { PACKET_LINES, readPacketLines } from "../process/packet-lines.ts";
import type { Assembly } from "./assembly.ts";
import type { Encoder } from "./encoders.ts";
import { AHEAD_SECONDS } from "./segment-audio.ts";
import type { PictureReading } from "./source-reading.ts";
import { Spool } from "./spool.ts";

/**
 * The exact cut of what can't be stitched: the source is decoded in one forward reading and encoded whole, with a
 * keyframe at each boundary. What the decoder gives is what counts as the source's frames.
 */

export type Reencoding = {
  /** ffmpeg's index of the stream. */
  video: number;
  encoder: Encoder;
  /** When each segment starts, in seconds from the first frame. */
  starts: readonly number[];
  segmentSeconds: number;
  spoolDirectory: string;
};

const MICROSECONDS = 1_000_000;

type Frame = { time: number; key: boolean; data: Buffer };

export class Reencoder {
  readonly #options: Reencoding;
  readonly #assembly: Assembly;
  readonly #from: number;
  readonly #times: number[] = [];
  #timed = () => {};
  #timesEnded = false;
  #header: MatroskaHeader | undefined;
  #origin: number | undefined;
  #segment = -1;
  #spool: Spool | undefined;
  #frames: { time: number; hash: undefined }[] = [];
  #lastDuration = 0;
  #pending: Frame | undefined;
  #frame = 0;

  constructor(options: Reencoding, assembly: Assembly, from: number) {
    this.#options = options;
    this.#assembly = assembly;
    this.#from = from;
  }

  get reading(): PictureReading {
    const { video, encoder, segmentSeconds } = this.#options;
    const map = ["-map", `0:${video}`, "-map_chapters", "-1", "-vsync", "passthrough"];
    const filters = ["setpts=PTS-STARTPTS", ...encoder.filters].join(",");
    // A boundary that no frame follows for a while is made up for by the next ones: keyframes too many do no harm.
    const boundaries = `expr:gte(t,n_forced*${segmentSeconds}-0.000002)`;
    return {
      outputs: [
        [...map, "-enc_time_base", "-1", "-c:v", "wrapped_avframe", ...PACKET_LINES],
        [
          ...map,
          "-enc_time_base",
          encoder.clock,
          "-vf",
          filters,
          "-force_key_frames",
          boundaries,
          ...encoder.options,
          "-flush_packets",
          "1",
          "-f",
          "matroska",
        ],
      ],
      read: async ([lines, encoded], origin) => {
        await Promise.all([this.#readTimes(lines!, origin), this.#readEncoded(encoded!)]);
      },
    };
  }

  async #readTimes(lines: Parameters<typeof readPacketLines>[0], origin: (seconds: number) => void): Promise<void> {
    for await (const { clock, line } of readPacketLines(lines)) {
      const time = ((line.pts ?? line.dts) * clock.num) / clock.den;
      if (this.#origin === undefined) {
        this.#origin = time;
        origin(time);
      }
      this.#times.push(time - this.#origin);
      this.#timed();
    }
    this.#timesEnded = true;
    this.#timed();
  }

  async #timeOf(frame: number): Promise<number> {
    while (this.#times.length <= frame) {
      if (this.#timesEnded) throw unreadable("more frames were encoded than decoded");
      await new Promise<void>((resolve) => {
        this.#timed = resolve;
      });
    }
    return this.#times[frame]!;
  }

  async #readEncoded(pipe: Parameters<typeof readMatroska>[0]): Promise<void> {
    await readMatroska(
      pipe,
      (tracks) => {
        this.#header = matroskaHeader(tracks);
      },
      async ({ data, key }) => {
        const time = await this.#timeOf(this.#frame);
        this.#frame += 1;
        if (this.#pending !== undefined) await this.#write(this.#pending, time);
        this.#pending = { time, key, data: Buffer.from(data) };
        await this.#assembly.seen(time);
      },
    );
    if (this.#pending === undefined) return;
    // What follows it isn't known: it is as long as the others are on average.
    const mean = this.#pending.time / Math.max(1, this.#frame - 1) || 0.04;
    await this.#write(this.#pending, this.#pending.time + mean);
    this.#finishSegment();
  }

  async #write({ time, key, data }: Frame, next: number): Promise<void> {
    const { starts, spoolDirectory } = this.#options;
    const segment = this.#assembly.segmentAt(time);
    if (segment !== this.#segment) {
      this.#finishSegment();
      if (!key) throw unreadable(`segment ${segment} would start with no keyframe`);
      this.#segment = segment;
      this.#spool = new Spool(join(spoolDirectory, `${String(segment).padStart(5, "0")}.encoded`));
      this.#frames = [];
      if (segment >= this.#from) await this.#spool.write(this.#header!.bytes);
    }
    if (segment < this.#from) return;
    const start = starts[segment]!;
    const ticks = (seconds: number) => Math.round((seconds - start + AHEAD_SECONDS) * MICROSECONDS);
    this.#frames.push({ time: time - start, hash: undefined });
    this.#lastDuration = next - time;
    const duration = ticks(next) - ticks(time);
    await this.#spool!.write(
      matroskaCluster({ track: this.#header!.tracks[0]!, time: ticks(time), duration, key, data }),
    );
  }

  #finishSegment(): void {
    const index = this.#segment;
    const spool = this.#spool;
    if (index < this.#from || spool === undefined) return;
    const { encoder } = this.#options;
    this.#assembly.addPicture(index, {
      made: "encoded",
      codec: encoder.codec,
      frames: this.#frames,
      lastDuration: this.#lastDuration,
      videoFormat: "matroska",
      clock: CLOCKS.find((clock) => this.#frames.every(({ time }) => isWhole(time * clock))) ?? CLOCKS[0],
      writeVideo: async (sink) => {
        const file = await spool.read();
        try {
          for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 2 ** 20 }))
            await sink(chunk as Buffer);
        } finally {
          await file.close();
        }
      },
      remove: () => spool.remove(),
    });
    this.#spool = undefined;
  }

  async stop(): Promise<void> {}
}

/** Common clocks, the finest first; one in which every frame's time is whole keeps it without rounding. */
const CLOCKS = [90_000, 48_000, 30_000, 24_000, 60_000, 12_800, 15_360] as const;

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 0.1;
