import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ffmpeg } from "../fixtures/media.ts";

/** An upload: its bytes are in a file. */
export type Video = { path: string; metadata: Record<string, string> };

/** The videos that the runs split in sequence, and what overwrites them: other frames, split the same way. */
export type Pair = { original: Video; replacement: Video };

/** Large enough that a service which fetches 64 KB, and then ever more, needs nine GETs. */
const BITRATE = "2200k";

type Recipe = {
  extension: string;
  metadata: Record<string, string>;
  /** ffmpeg's options of the picture; undefined for a file that is no video. */
  picture: readonly string[] | undefined;
};

const x264 = (gop: number, ...more: string[]): string[] => [
  ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-sc_threshold", "0"],
  ...["-b:v", BITRATE, "-minrate", BITRATE, "-maxrate", BITRATE, "-bufsize", "500k", "-x264-params", "nal-hrd=cbr"],
  ...["-g", String(gop), "-keyint_min", String(gop), ...more],
];

const WITH_B_FRAMES = ["-bf", "2", "-b_strategy", "0"];
const TWO_SECONDS = { "segment-seconds": "2" };

/** Each its own way through the service. */
export const VIDEOS: readonly Recipe[] = [
  // Boundaries within groups of pictures.
  { extension: "mp4", metadata: TWO_SECONDS, picture: [...x264(40, ...WITH_B_FRAMES), "-movflags", "+faststart"] },
  { extension: "mp4", metadata: { "segment-seconds": "1.5", cut: "keyframe" }, picture: x264(25) },
  // Without a table of its packets: the service reads all of it first.
  { extension: "ts", metadata: TWO_SECONDS, picture: x264(25, ...WITH_B_FRAMES) },
  { extension: "mkv", metadata: TWO_SECONDS, picture: x264(40) },
  { extension: "mp4", metadata: TWO_SECONDS, picture: undefined },
];

const SECONDS = { original: 6, replacement: 7 };

async function makeVideo(path: string, { picture, metadata }: Recipe, seconds: number): Promise<Video> {
  if (picture === undefined) {
    await writeFile(path, `not a video at all, for ${seconds} seconds\n`.repeat(10_000));
    return { path, metadata };
  }
  const source = `testsrc2=duration=${seconds}:size=160x90:rate=25,noise=alls=30:allf=t:all_seed=${seconds}`;
  const audio = `sine=frequency=${100 * seconds}:duration=${seconds}`;
  const inputs = ["-f", "lavfi", "-i", source, "-f", "lavfi", "-i", audio];
  await ffmpeg(...inputs, ...picture, "-c:a", "aac", "-b:a", "64k", path);
  return { path, metadata };
}

/** Those of VIDEOS that are made, by their indices. */
export type Pairs = Readonly<Record<number, Pair>>;

/** So short that there are twelve of them. */
const RANGED = { "segment-seconds": "0.5" };

/** Makes these videos in a folder. `isRanged`: they are cut into more segments. */
export async function makeVideos(folder: string, indices: readonly number[], isRanged: boolean): Promise<Pairs> {
  const pairs = indices.map(async (index) => {
    const { metadata, ...known } = VIDEOS[index]!;
    const recipe = { ...known, metadata: isRanged ? { ...metadata, ...RANGED } : metadata };
    const make = (name: keyof Pair) =>
      makeVideo(join(folder, `${index}-${name}.${recipe.extension}`), recipe, SECONDS[name]);
    return [index, { original: await make("original"), replacement: await make("replacement") }] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

export const bytesOf = ({ path }: Video): Promise<Buffer> => readFile(path);

/** The index in VIDEOS of what a run splits. */
export const videoOf = (run: number): number => run % VIDEOS.length;

/** Uploads are named after their run, and so is all that is made of them. */
export const uploadKey = (run: number): string => `uploads/run-${run}.${VIDEOS[videoOf(run)]!.extension}`;

const RUN = /\brun-(\d+)\b/;

/** The run that an event is about; undefined for none. */
export function runIn(event: unknown): number | undefined {
  const [, run] = RUN.exec(JSON.stringify(event)) ?? [];
  return run === undefined ? undefined : Number(run);
}
