import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export type Binaries = { ffmpeg: string; ffprobe: string };

/** Where to look, as the environment says it. */
export type BinarySearch = {
  /** FFMPEG_PATH or FFMPEG_BIN. */
  ffmpegPath?: string | undefined;
  /** FFPROBE_PATH or FFPROBE_BIN. */
  ffprobePath?: string | undefined;
  /** Folder of a function as it is deployed, with its programs in `bin`: LAMBDA_TASK_ROOT. */
  taskRoot?: string | undefined;
  /** PATH. */
  path?: string | undefined;
  /**
   * Whether the one that the environment names, or the deployment ships, is taken without being
   * run: its users notice soon enough, and each start of a function would be 0.2 s longer. Default:
   * false.
   */
  isTrusted?: boolean;
};

/** No usable ffmpeg or ffprobe. The message says how to get one. */
export class MissingBinaryError extends Error {
  override name = "MissingBinaryError";
  readonly code = "MissingBinary";
}

type Candidate = { from: string; find: () => Promise<string | undefined>; isTrusted?: boolean };

const run = promisify(execFile);

const onPath = async (name: string, path: string | undefined): Promise<string | undefined> => {
  for (const folder of (path ?? "").split(delimiter).filter(Boolean)) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
};

/** The program that a deployment puts beside the bundle (infra/packaging). */
const shipped = async (name: string, taskRoot: string | undefined): Promise<string | undefined> => {
  if (taskRoot === undefined) return undefined;
  const file = join(taskRoot, "bin", name);
  return (await isExecutable(file)) ? file : undefined;
};

const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

/**
 * An optional package that may be absent: the download of ffmpeg-static and of its ffprobe fails
 * where its host can't be reached, and then npm leaves the package out. With --ignore-scripts it is
 * there and names a file that is not.
 */
const fromPackage = async (load: () => Promise<string | null | undefined>): Promise<string | undefined> => {
  try {
    return (await load()) ?? undefined;
  } catch {
    return undefined;
  }
};

/** Of ffmpeg 4.1 to 7.1 at least. ffmpeg 9 has it no more, and `-fps_mode` came after 4.1. */
const NEEDED_OPTION = ["-vsync", "passthrough"];

/**
 * A binary of another architecture, or one whose libraries are missing, is there and executable but
 * doesn't run. One that lacks an option would fail with the first video.
 */
async function whyNotUsable(name: string, file: string): Promise<string | undefined> {
  const options = name === "ffmpeg" ? NEEDED_OPTION : [];
  try {
    await run(file, ["-hide_banner", ...options, "-version"], { timeout: 20_000, env: {} });
    return undefined;
  } catch (error) {
    if ((error as { stderr?: string }).stderr?.includes("'vsync'"))
      return "it is too new: it has no -vsync any more, which 7.1 has";
    return (error instanceof Error ? error.message : String(error)).split("\n")[0];
  }
}

async function firstThatRuns(
  name: string,
  explicit: string | undefined,
  { taskRoot, isTrusted = false }: BinarySearch,
  others: Candidate[],
): Promise<string> {
  const tried: string[] = [];
  const named = { from: "the environment", find: async () => explicit, isTrusted };
  const deployed = { from: "the deployment", find: () => shipped(name, taskRoot), isTrusted };
  const candidates: Candidate[] = explicit ? [named] : [deployed, ...others];
  for (const { from, find, isTrusted: isTaken } of candidates) {
    const file = await find();
    if (file === undefined) continue;
    if (isTaken && (await isExecutable(file))) return file;
    const fault = await whyNotUsable(name, file);
    if (fault === undefined) return file;
    tried.push(`${file} (from ${from}): ${fault}`);
  }
  const variable = name === "ffmpeg" ? "FFMPEG_PATH" : "FFPROBE_PATH";
  throw new MissingBinaryError(
    `No ${name} that runs was found${tried.length > 0 ? `; tried ${tried.join("; ")}` : ""}. ` +
      `Install it with "apt-get install ffmpeg" or "brew install ffmpeg", or name one in ${variable}.`,
  );
}

/**
 * Finds ffmpeg and ffprobe, in this order: named in the environment, shipped with the function,
 * ffmpeg-static (ffprobe: @derhuerst/ffprobe-static, of the same release), PATH, the npm-shipped
 * installer packages, which are old: `oldProgramsWarning` says so. What is found has been run once,
 * unless it is trusted. Throws `MissingBinaryError`. docs/decisions/which-ffmpeg.md says why this
 * order.
 */
export async function findBinaries(where: BinarySearch): Promise<Binaries> {
  const [ffmpeg, ffprobe] = await Promise.all([
    firstThatRuns("ffmpeg", where.ffmpegPath, where, [
      { from: "ffmpeg-static", find: () => fromPackage(async () => (await import("ffmpeg-static")).default) },
      { from: "PATH", find: () => onPath("ffmpeg", where.path) },
      {
        from: "@ffmpeg-installer/ffmpeg",
        find: () => fromPackage(async () => (await import("@ffmpeg-installer/ffmpeg")).default.path),
      },
    ]),
    firstThatRuns("ffprobe", where.ffprobePath, where, [
      {
        from: "@derhuerst/ffprobe-static",
        find: () => fromPackage(async () => (await import("@derhuerst/ffprobe-static")).default),
      },
      { from: "PATH", find: () => onPath("ffprobe", where.path) },
      {
        from: "@ffprobe-installer/ffprobe",
        find: () => fromPackage(async () => (await import("@ffprobe-installer/ffprobe")).default.path),
      },
    ]),
  ]);
  return { ffmpeg, ffprobe };
}
