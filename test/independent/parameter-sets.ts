import { readFile, rm } from "node:fs/promises";
import type { Stream } from "./probe.ts";
import { ffmpegLines } from "./tools.ts";
import { decodeVideo, type Video, type VideoTrack } from "./video.ts";

/** NAL unit types of parameter sets, and one that doesn't occur. */
const UNITS: Readonly<Record<string, { sets: string; none: string }>> = {
  // ISO/IEC 14496-15, 5.4.2.1 and 8.4.1: with these sample entries, samples have no parameter sets.
  hvc1: { sets: "32-34", none: "63" },
  avc1: { sets: "7-8", none: "31" },
};

const HASHES = ["-f", "framehash", "-hash", "adler32"];

const bytesIn = (hashes: string): number =>
  hashes
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .reduce((sum, line) => sum + Number(line.split(",")[4]), 0);

/** Writes the track without parameter sets in its samples. Resolves with whether there were any. */
async function withoutSets(track: VideoTrack, { sets, none }: (typeof UNITS)[string], to: string): Promise<boolean> {
  const copy = (types: string): string[] => {
    return ["-map", `0:${track.index}`, "-c", "copy", "-bsf:v", `filter_units=remove_types=${types}`];
  };
  // The filter rewrites both, so that their sizes differ only by the units.
  const outputs = [...copy(none), ...HASHES, "pipe:1", ...copy(sets), ...HASHES, `${to}.hash`];
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  await ffmpegLines(["-copyts", "-i", track.path, ...outputs, ...copy(sets), "-f", "nut", to], { onLine });
  const left = await readFile(`${to}.hash`, "utf8").catch(() => "");
  await rm(`${to}.hash`, { force: true });
  return bytesIn(lines.join("\n")) !== bytesIn(left);
}

/**
 * Number of frames of an `avc1` or `hvc1` track that decode differently with only the parameter
 * sets of the sample entry. `scratch`: a file to write to.
 */
export async function framesThatNeedInBandSets(
  track: VideoTrack,
  stream: Stream,
  video: Video,
  scratch: string,
): Promise<number> {
  const units = UNITS[stream.codec_tag_string ?? ""];
  if (units === undefined) return 0;
  try {
    if (!(await withoutSets(track, units, scratch))) return 0;
    const bare = await decodeVideo({ path: scratch, format: "nut", index: 0, decoder: track.decoder });
    const hashes = new Map<string, number>();
    for (const { hash } of bare.frames) hashes.set(hash, (hashes.get(hash) ?? 0) + 1);
    return video.frames.filter(({ hash }) => {
      const left = hashes.get(hash) ?? 0;
      hashes.set(hash, left - 1);
      return left <= 0;
    }).length;
  } finally {
    await rm(scratch, { force: true });
  }
}
