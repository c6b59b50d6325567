import { rm } from "node:fs/promises";
import { AUDIO_JITTER_S } from "./tolerances.ts";
import { ffmpegLines, messagesOf, ownTimes } from "./tools.ts";

/** Audio without gaps. */
export type Run = {
  /** Seconds on the file's clock. */
  start: number;
  /** Samples per channel. */
  length: number;
  /** Index of its first sample in the PCM file. */
  at: number;
};

/** An audio track, decoded into a file of interleaved 16-bit samples. */
export type Audio = {
  pcm: string;
  rate: number;
  channels: number;
  runs: Run[];
  /** Samples of the decoder's usual block. */
  block: number;
  /** Hashes of the stored packets. */
  packets: string[];
  messages: ReadonlyMap<string, number>;
};

export type AudioTrack = { path: string; format: string; index: number; codec: string };

/** A block of decoded audio. */
type Block = { start: number; length: number };

/** Merges consecutive blocks. Rounded times don't count as gaps. */
export function runsOf(blocks: readonly Block[], rate: number): Run[] {
  const runs: Run[] = [];
  let at = 0;
  for (const { start, length } of blocks) {
    const last = runs.at(-1);
    if (last !== undefined && Math.abs(start - (last.start + last.length / rate)) <= AUDIO_JITTER_S)
      last.length += length;
    else runs.push({ start, length, at });
    at += length;
  }
  return runs.filter((run) => run.length > 0);
}

/**
 * Parses a `framehash` output of one stream: its time base, rate and blocks. `ahead`: seconds to
 * subtract from its times.
 */
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

/** Hashes of a track's stored packets. */
async function packetHashes({ path, index }: AudioTrack): Promise<string[]> {
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
 * Decodes a track to `pcm`, with the times of playback: ffmpeg applies edit lists and pre-skips.
 * `as`: rate and channels of another file, for comparison.
 */
export async function decodeAudio(
  track: AudioTrack,
  pcm: string,
  as?: { rate: number; channels: number },
): Promise<Audio> {
  const packets = await packetHashes(track);
  if (track.codec.startsWith("amr_")) return { ...(await decodeAmr(track, pcm)), packets };
  const { messages, listen } = messagesOf();
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
  return { pcm, rate, channels: Math.max(1, channels), runs: runsOf(blocks, rate), block, messages, packets };
}

const LAYOUTS: Readonly<Record<string, number>> = { mono: 1, stereo: 2, quad: 4, octagonal: 8, hexagonal: 6 };

/**
 * Channels of ffmpeg's PCM output, from a message such as "Audio: pcm_s16le, 48000 Hz, 5.1(side),
 * s16"; 0 when it has none.
 */
function channelsIn(line: string): number {
  const [, layout] = /Audio: pcm_s16le.* Hz, ([^,]+), s16/.exec(line) ?? [];
  if (layout === undefined) return 0;
  const [, counted] = /^(\d+) channels/.exec(layout) ?? [];
  if (counted !== undefined) return Number(counted);
  const [, main, low = "0"] = /^(\d+)(?:\.(\d))?(?:\.\d)?/.exec(layout) ?? [];
  return main === undefined ? (LAYOUTS[layout] ?? 2) : Number(main) + Number(low);
}

/**
 * MP4 may store many AMR frames in a packet, of which ffmpeg decodes the first. In a raw AMR file
 * all are decoded; the times are the packets'.
 */
async function decodeAmr({ path, index, codec }: AudioTrack, pcm: string): Promise<Omit<Audio, "packets">> {
  const raw = `${pcm}.amr`;
  const packets = blockReader();
  const copy = ["-copyts", "-i", path, "-map", `0:${index}`, "-c", "copy"];
  await ffmpegLines([...copy, ...HASH, ...copy.slice(3), "-f", "amr", raw], { onLine: packets.onLine });
  const { messages, listen } = messagesOf();
  const decoded = blockReader();
  const output = ["-c:a", "pcm_s16le"];
  await ffmpegLines(["-i", raw, ...output, ...HASH, ...output, "-f", "s16le", pcm], {
    onLine: decoded.onLine,
    onMessage: listen,
  });
  await rm(raw, { force: true });
  const rate = codec === "amr_wb" ? 16_000 : 8_000;
  // Some containers store the first frame's duration only: a packet lasts until the next one, and
  // the last one has the remaining frames.
  let left = decoded.blocks.reduce((sum, { length }) => sum + length, 0);
  const blocks = packets.blocks.map(({ start }, at) => {
    const next = packets.blocks[at + 1]?.start ?? Number.POSITIVE_INFINITY;
    const length = Math.min(left, Math.round((next - start) * rate));
    left -= length;
    return { start, length };
  });
  return { pcm, rate, channels: 1, runs: runsOf(blocks, rate), block: 160, messages };
}
