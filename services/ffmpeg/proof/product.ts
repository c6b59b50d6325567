import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Container } from "../../split/ports/media-tools.ts";
import { boxesIn, findBox, readMovieBox } from "../formats/iso-boxes.ts";
import { readMatroska } from "../formats/matroska.ts";
import { isNalCodec } from "../formats/nal-units.ts";
import { unreadable } from "../process/errors.ts";
import { PACKET_BYTES, PACKET_LINES, readPacketLines, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";

/** What is found in a file that was made: the picture is its first track. */
export type ProductPacket = { time: number; key: boolean | undefined; data: Buffer };

export type ProductReader = {
  /** In decode order. Times are seconds, edit lists applied. */
  onVideo: (packet: ProductPacket) => void | Promise<void>;
  /** Time of a packet of audio track 0, 1, …. */
  onAudio: (track: number, time: number) => void;
};

export type Product = {
  binary: string;
  directory: string;
  path: string;
  audioTracks: number;
  container: Container;
  /** Of the picture, as ffprobe names it. */
  codec: string;
  signal: AbortSignal;
};

const ISO: readonly string[] = ["mp4", "mov", "3gp", "3g2"];

/** Whether a container is one of the ISO family, which keep an index. */
export const isIso = ({ muxer }: Container): boolean => ISO.includes(muxer);

/**
 * Reads every packet of a file that was made. ffmpeg works decode times out for Matroska, and changes presentation times
 * to suit them, so H.264 and HEVC are read from the file itself there, as they are from an MP4.
 */
export async function readProduct(product: Product, reader: ProductReader): Promise<void> {
  if (isIso(product.container)) await readIso(product, reader);
  else if (product.container.muxer === "matroska" && isNalCodec(product.codec)) await readMkv(product, reader);
  else await readByFfmpeg(product, reader);
}

async function readMkv({ path, audioTracks, signal }: Product, reader: ProductReader): Promise<void> {
  let delays = new Map<number, number>();
  const [video, firstAudio] = [1, 2];
  const stream = createReadStream(path, { signal, highWaterMark: 2 ** 20 });
  await readMatroska(
    stream,
    (tracks) => {
      delays = new Map(tracks.map(({ number, delay }) => [number, delay / 1_000_000]));
    },
    async ({ track, time, key, data }) => {
      const shown = time - (delays.get(track) ?? 0);
      if (track === video) await reader.onVideo({ time: shown, key, data });
      else if (track - firstAudio < audioTracks) reader.onAudio(track - firstAudio, shown);
    },
  );
}

async function readByFfmpeg({ binary, directory, path, audioTracks, signal }: Product, reader: ProductReader) {
  const copied = ["-c", "copy", "-copyinkf", "-max_muxing_queue_size", "4096"];
  const picture = ["-map", "0:v:0", ...copied];
  await runFfmpeg(
    {
      binary,
      directory,
      signal,
      inputs: [{ from: path, options: ["-hide_banner", "-nostdin", "-loglevel", "error", "-copyts"] }],
      pipes: {
        lines: [...picture, ...PACKET_LINES],
        bytes: [...picture, ...PACKET_BYTES],
        audio: Array.from({ length: audioTracks }, (_, track) => ["-map", `0:a:${track}`, ...copied, ...PACKET_LINES]),
      },
    },
    async ({ outputs: { lines, bytes, audio } }) => {
      const video = async () => {
        for await (const { clock, pts, dts, data } of readPackets(lines, bytes))
          await reader.onVideo({ time: ((pts ?? dts) * clock.num) / clock.den, key: undefined, data });
      };
      const sound = async (pipe: OutputPipe, track: number) => {
        for await (const { clock, line } of readPacketLines(pipe))
          reader.onAudio(track, ((line.pts ?? line.dts) * clock.num) / clock.den);
      };
      await Promise.all([video(), ...audio.map(sound)]);
    },
  );
}

type IsoTrack = { timescale: number; shift: number; table: DataView };

const VIDEO = 0x76696465;
const SOUND = 0x736f756e;
const ENTRIES = 8;

const entries = (table: DataView | undefined): number => (table === undefined ? 0 : table.getUint32(4));

/** Seconds that the edit list takes from (or adds to) every time of the track. */
function editShift(track: DataView, timescale: number, movieTimescale: number): number {
  const list = findBox(track, "edts", "elst");
  if (list === undefined) return 0;
  const long = list.getUint8(0) === 1;
  let shift = 0;
  for (let entry = 0; entry < entries(list); entry += 1) {
    const at = ENTRIES + entry * (long ? 20 : 12);
    const duration = long ? Number(list.getBigUint64(at)) : list.getUint32(at);
    const time = long ? Number(list.getBigInt64(at + 8)) : list.getInt32(at + 4);
    if (time === -1) shift += duration / movieTimescale;
    else return shift - time / timescale;
  }
  return shift;
}

const timescaleOf = (header: DataView): number => header.getUint32(header.getUint8(0) === 1 ? 20 : 12);

function tracksOf(movie: DataView, handler: number): IsoTrack[] {
  const movieTimescale = timescaleOf(findBox(movie, "mvhd")!);
  return boxesIn(movie)
    .filter(({ type, body }) => type === "trak" && findBox(body, "mdia", "hdlr")?.getUint32(8) === handler)
    .map(({ body }) => {
      const timescale = timescaleOf(findBox(body, "mdia", "mdhd")!);
      return {
        timescale,
        shift: editShift(body, timescale, movieTimescale),
        table: findBox(body, "mdia", "minf", "stbl")!,
      };
    });
}

function* runs(table: DataView, signed: boolean): Generator<number, undefined> {
  for (let entry = 0; entry < entries(table); entry += 1) {
    const at = ENTRIES + entry * 8;
    const value = signed ? table.getInt32(at + 4) : table.getUint32(at + 4);
    for (let left = table.getUint32(at); left > 0; left -= 1) yield value;
  }
}

function* timesOf({ table, timescale, shift }: IsoTrack): Generator<number, undefined> {
  const offsets = findBox(table, "ctts");
  const shifts = offsets && runs(offsets, true);
  let decoded = 0;
  for (const duration of runs(findBox(table, "stts")!, false)) {
    yield (decoded + (shifts?.next().value ?? 0)) / timescale + shift;
    decoded += duration;
  }
}

/** The samples of each chunk: where it starts, and their sizes. */
function* chunksOf({ table }: IsoTrack): Generator<{ at: number; sizes: number[] }> {
  const sizes = findBox(table, "stsz")!;
  const fixed = sizes.getUint32(4);
  const long = findBox(table, "co64");
  const offsets = long ?? findBox(table, "stco")!;
  const perChunk = findBox(table, "stsc")!;
  let sample = 0;
  let entry = 0;
  for (let chunk = 0; chunk < entries(offsets); chunk += 1) {
    while (entry + 1 < entries(perChunk) && perChunk.getUint32(ENTRIES + (entry + 1) * 12) <= chunk + 1) entry += 1;
    const count = perChunk.getUint32(ENTRIES + entry * 12 + 4);
    const at = long ? Number(long.getBigUint64(ENTRIES + chunk * 8)) : offsets.getUint32(ENTRIES + chunk * 4);
    const first = sample;
    sample += count;
    yield { at, sizes: Array.from({ length: count }, (_, n) => fixed || sizes.getUint32(12 + (first + n) * 4)) };
  }
}

async function readIso({ path, audioTracks, signal }: Product, reader: ProductReader): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
      yield await readAt(file, start, end - start + 1);
    }
    const movie = await readMovieBox({ size, read }, signal);
    const video = movie && tracksOf(movie, VIDEO)[0];
    if (movie === undefined || video === undefined) throw unreadable("the segment has no index of its picture");
    const times = timesOf(video);
    const syncs = findBox(video.table, "stss");
    const keys = syncs && new Set(Array.from({ length: entries(syncs) }, (_, n) => syncs.getUint32(ENTRIES + n * 4)));
    let sample = 0;
    for (const { at, sizes } of chunksOf(video)) {
      const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
      const chunk = await readAt(file, at, total);
      let from = 0;
      for (const bytes of sizes) {
        sample += 1;
        const data = chunk.subarray(from, from + bytes);
        from += bytes;
        await reader.onVideo({ time: times.next().value ?? 0, key: keys?.has(sample) ?? true, data });
      }
    }
    for (const [track, sound] of tracksOf(movie, SOUND).slice(0, audioTracks).entries())
      for (const time of timesOf(sound)) reader.onAudio(track, time);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
