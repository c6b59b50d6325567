import { rm } from "node:fs/promises";
import { SOUND_JITTER_S } from "./tolerances.ts";
import { complaintsOf, ffmpegLines, ownTimes } from "./tools.ts";

/** Sound without a gap. */
export type Run = {
  /** Seconds on the file's time line. */
  start: number;
  /** Samples (of each channel). */
  length: number;
  /** Place of its first sample in the PCM file. */
  at: number;
};

/** A track of sound, decoded into a file of 16-bit samples, channel by channel in turn. */
export type Sound = {
  pcm: string;
  rate: number;
  channels: number;
  runs: Run[];
  /** Samples of the usual block that the decoder gives. */
  block: number;
  /** Hashes of the packets as they are stored. */
  packets: string[];
  complaints: ReadonlyMap<string, number>;
};

export type SoundTrack = { path: string; format: string; index: number; codec: string };

/** One block of decoded sound. */
type Block = { start: number; length: number };

/** Joins blocks that follow each other. What their times are rounded to makes no gap. */
export function runsOf(blocks: readonly Block[], rate: number): Run[] {
  const runs: Run[] = [];
  let at = 0;
  for (const { start, length } of blocks) {
    const last = runs.at(-1);
    if (last !== undefined && Math.abs(start - (last.start + last.length / rate)) <= SOUND_JITTER_S)
      last.length += length;
    else runs.push({ start, length, at });
    at += length;
  }
  return runs.filter((run) => run.length > 0);
}

/** Reads a `framehash` of one stream, whose times are `ahead` by some seconds: its time base, rate and blocks. */
function blockReader(ahead = 0) {
  const blocks: Block[] = [];
  const header = { tick: 1, rate: 0 };
  const onLine = (line: string): void => {
    const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? [];
    if (numerator !== undefined) header.tick = Number(numerator) / Number(denominator);
    const [, rate] = /^#sample_rate 0: (\d+)/.exec(line) ?? [];
    if (rate !== undefined) header.rate = Number(rate);
    if (line.startsWith("#")) return;
    const [, , pts, duration] = line.split(",");
    blocks.push({
      start: Number(pts) * header.tick - ahead,
      length: Math.round(Number(duration) * header.tick * header.rate),
    });
  };
  return { blocks, header, onLine };
}

/** Hashes of a track's packets as they are stored. */
async function packetHashes({ path, index }: SoundTrack): Promise<string[]> {
  const hashes: string[] = [];
  await ffmpegLines(["-i", path, "-map", `0:${index}`, "-c", "copy", "-f", "framehash", "-hash", "murmur3", "pipe:1"], {
    onLine: (line) => {
      if (!line.startsWith("#")) hashes.push(line.split(",")[5]!.trim());
    },
  });
  return hashes;
}

const HASH = ["-f", "framehash", "-hash", "adler32", "pipe:1"];

/**
 * Decodes a track to `pcm`, with the times at which a player plays it: edit lists and pre-skips are respected by ffmpeg.
 * `as`: rate and channels of another file, to be compared with it.
 */
export async function decodeSound(
  track: SoundTrack,
  pcm: string,
  as?: { rate: number; channels: number },
): Promise<Sound> {
  const packets = await packetHashes(track);
  if (track.codec.startsWith("amr_")) return { ...(await decodeAmr(track, pcm)), packets };
  const { complaints, listen } = complaintsOf();
  const { options, ahead } = ownTimes(track.format);
  const { blocks, header, onLine } = blockReader(ahead);
  const input = [...options, "-i", track.path];
  const layout = as === undefined ? [] : ["-ar", String(as.rate), "-ac", String(as.channels)];
  const output = ["-map", `0:${track.index}`, "-c:a", "pcm_s16le", ...layout];
  let channels = as?.channels ?? 0;
  const onMessage = (line: string): void => {
    listen(line);
    channels ||= channelsIn(line);
  };
  await ffmpegLines([...input, ...output, ...HASH, ...output, "-f", "s16le", pcm], { onLine, onMessage });
  const { rate } = header;
  const lengths = blocks.map(({ length }) => length).sort((one, other) => one - other);
  const block = lengths[lengths.length >> 1] ?? 0;
  return { pcm, rate, channels: Math.max(1, channels), runs: runsOf(blocks, rate), block, complaints, packets };
}

const LAYOUTS: Readonly<Record<string, number>> = { mono: 1, stereo: 2, quad: 4, octagonal: 8, hexagonal: 6 };

/** Channels of the PCM that ffmpeg says it writes, such as "Audio: pcm_s16le, 48000 Hz, 5.1(side), s16"; 0 where it doesn't. */
function channelsIn(line: string): number {
  const [, layout] = /Audio: pcm_s16le.* Hz, ([^,]+), s16/.exec(line) ?? [];
  if (layout === undefined) return 0;
  const [, counted] = /^(\d+) channels/.exec(layout) ?? [];
  if (counted !== undefined) return Number(counted);
  const [, main, low = "0"] = /^(\d+)(?:\.(\d))?(?:\.\d)?/.exec(layout) ?? [];
  return main === undefined ? (LAYOUTS[layout] ?? 2) : Number(main) + Number(low);
}

/**
 * MP4 may hold many AMR frames in a packet, of which ffmpeg decodes the first. As a raw AMR file they are all decoded; the
 * times are the packets'.
 */
async function decodeAmr({ path, index, codec }: SoundTrack, pcm: string): Promise<Omit<Sound, "packets">> {
  const raw = `${pcm}.amr`;
  const packets = blockReader();
  const copy = ["-copyts", "-i", path, "-map", `0:${index}`, "-c", "copy"];
  await ffmpegLines([...copy, ...HASH, ...copy.slice(3), "-f", "amr", raw], { onLine: packets.onLine });
  const { complaints, listen } = complaintsOf();
  const decoded = blockReader();
  const output = ["-c:a", "pcm_s16le"];
  await ffmpegLines(["-i", raw, ...output, ...HASH, ...output, "-f", "s16le", pcm], {
    onLine: decoded.onLine,
    onMessage: listen,
  });
  await rm(raw, { force: true });
  const rate = codec === "amr_wb" ? 16_000 : 8_000;
  // Some containers tell of the first frame's duration alone: a packet lasts until the next one. The last has what is left.
  let left = decoded.blocks.reduce((sum, { length }) => sum + length, 0);
  const blocks = packets.blocks.map(({ start }, at) => {
    const next = packets.blocks[at + 1]?.start ?? Number.POSITIVE_INFINITY;
    const length = Math.min(left, Math.round((next - start) * rate));
    left -= length;
    return { start, length };
  });
  return { pcm, rate, channels: 1, runs: runsOf(blocks, rate), block: 160, complaints };
}
