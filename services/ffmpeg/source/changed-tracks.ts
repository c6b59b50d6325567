import { isVideoType, type ProgramMap, programMapsIn } from "../formats/mpegts/program-maps.ts";
import type { FfprobeOutput } from "./describe.ts";
import type { RangedSource } from "./ranged-source.ts";

/** Program maps are repeated every 0.1 s; this has one up to 80 Mb/s. */
const STRETCH_BYTES = 1024 * 1024;

async function mapsIn(source: RangedSource, start: number, signal: AbortSignal): Promise<ProgramMap[]> {
  const chunks: Uint8Array[] = [];
  const end = Math.min(start + STRETCH_BYTES, source.size) - 1;
  for await (const chunk of source.read(start, end, signal)) chunks.push(chunk);
  signal.throwIfAborted();
  return programMapsIn(Buffer.concat(chunks));
}

/** ffprobe prints a PID in hexadecimal. */
const pidOf = (output: FfprobeOutput, index: number): number =>
  Number(output.streams.find((stream) => stream.index === index)?.id);

/**
 * A transport stream whose tracks have other PIDs at its end, such as two recordings that were
 * joined: to ffmpeg, those are other tracks. Returns the PIDs of the program that holds stream `video`;
 * undefined where its tracks don't change.
 */
export async function findChangedTracks(
  source: RangedSource,
  output: FfprobeOutput,
  video: number,
  signal: AbortSignal,
): Promise<ReadonlySet<number> | undefined> {
  const pid = pidOf(output, video);
  if (output.format.format_name !== "mpegts" || source.size === 0 || Number.isNaN(pid)) return undefined;
  const first = await mapsIn(source, 0, signal);
  const own = first.find((map) => map.has(pid));
  if (own === undefined) return undefined;
  const last = await mapsIn(source, Math.max(0, source.size - STRETCH_BYTES), signal);
  const videoIn = (map: ProgramMap) => [...map].flatMap(([one, type]) => (isVideoType(type) ? [one] : []));
  // In a short file the first stretch may hold the change, too.
  const isWhole = source.size <= 2 * STRETCH_BYTES;
  const until = isWhole ? first.findLastIndex((map) => map.has(pid)) + 1 : first.length;
  const known = new Set(first.slice(0, until).flatMap(videoIn));
  // A program may end before others that are there from the start.
  const change = last.findIndex((map) => videoIn(map).some((one) => !known.has(one)));
  if (change === -1 || last.slice(change).some((map) => videoIn(map).includes(pid))) return undefined;
  return new Set(own.keys());
}

/** ffprobe's output, in which the tracks with other PIDs are another program. */
export function withoutOtherTracks(output: FfprobeOutput, pids: ReadonlySet<number>): FfprobeOutput {
  const own = output.streams.filter(({ id }) => pids.has(Number(id)));
  const others = output.streams.filter(({ id }) => !pids.has(Number(id)));
  return { ...output, programs: [{ streams: own }, { streams: others }] };
}
