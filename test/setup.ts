import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../infra/local/project.ts";
import { findBinaries } from "../services/ffmpeg/index.ts";
import { quickStart } from "./fixtures/quick-start.ts";

const CACHE = join(PROJECT_ROOT, "node_modules", ".cache", "video-split");

/** Where the media that this ffmpeg makes are kept. What another one made is removed. */
async function mediaFolder(ffmpeg: string): Promise<string> {
  const { stdout } = await promisify(execFile)(ffmpeg, ["-version"]);
  const name = createHash("sha256").update(stdout).digest("hex");
  const media = join(CACHE, "media");
  const others = (await readdir(media).catch(() => [])).filter((folder) => folder !== name);
  await Promise.all(others.map((folder) => rm(join(media, folder), { recursive: true, force: true })));
  return join(media, name);
}

/**
 * Names ffmpeg, ffprobe and the folder of media to the tests, and the programs to all that tests
 * start.
 */
export default async function setup(): Promise<void> {
  // Each project calls it.
  if (process.env.VIDEO_SPLIT_TEST_MEDIA !== undefined) return;
  const { FFMPEG_PATH, FFMPEG_BIN, FFPROBE_PATH, FFPROBE_BIN, PATH: path } = process.env;
  const where = { ffmpegPath: FFMPEG_PATH ?? FFMPEG_BIN, ffprobePath: FFPROBE_PATH ?? FFPROBE_BIN, path };
  const { ffmpeg, ffprobe } = await findBinaries(where);
  const folder = join(CACHE, "programs");
  process.env.VIDEO_SPLIT_TEST_MEDIA = await mediaFolder(ffmpeg);
  process.env.FFMPEG_PATH = await quickStart(ffmpeg, folder);
  process.env.FFPROBE_PATH = await quickStart(ffprobe, folder);
}
