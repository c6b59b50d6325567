import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export type Binaries = { ffmpeg: string; ffprobe: string };

/** Where to look for ffmpeg and ffprobe, from environment variables. */
export type BinarySearch = {
  /** FFMPEG_PATH or FFMPEG_BIN. */
  ffmpegPath?: string | undefined;
  /** FFPROBE_PATH or FFPROBE_BIN. */
  ffprobePath?: string | undefined;
  /** LAMBDA_TASK_ROOT: the folder of a deployed function, with its programs in `bin`. */
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

/** No usable ffmpeg or ffprobe was found. The message says how to install one. */
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

/** The program that a deployment ships beside the bundle (infra/packaging). */
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
 * An optional package may be absent: ffmpeg-static and its ffprobe download a binary when they are
 * installed, and npm leaves them out when that fails. With --ignore-scripts the package is there
 * and names a file that isn't.
 */
const fromPackage = async (load: () => Promise<string | null | undefined>): Promise<string | undefined> => {
  try {
    return (await load()) ?? undefined;
  } catch {
    return undefined;
  }
};

/**
 * An option of ffmpeg 4.1 to 7.1 at least. ffmpeg 9 has removed it; its successor `-fps_mode` is
 * missing in 4.1.
 */
const NEEDED_OPTION = ["-vsync", "passthrough"];

/**
 * Why a binary can't be used; undefined when it can. A binary of another architecture, or without
 * its libraries, is executable but doesn't run. One without the option would fail with the first
 * video.
 */
async function findFault(name: string, file: string): Promise<string | undefined> {
  const options = name === "ffmpeg" ? NEEDED_OPTION : [];
  try {
    await run(file, ["-hide_banner", ...options, "-version"], { timeout: 20_000, env: {} });
    return undefined;
  } catch (error) {
    if ((error as { stderr?: string }).stderr?.includes("'vsync'"))
      return "it is too new: it has no option -vsync. Use version 7.1 or older";
    return (error instanceof Error ? error.message : String(error)).split("\n")[0];
  }
}

async function firstThatRuns(
  name: string,
  configured: string | undefined,
  { taskRoot, isTrusted = false }: BinarySearch,
  others: Candidate[],
): Promise<string> {
  const tried: string[] = [];
  const named = { from: "the environment", find: async () => configured, isTrusted };
  const deployed = { from: "the deployment", find: () => shipped(name, taskRoot), isTrusted };
  const candidates: Candidate[] = configured ? [named] : [deployed, ...others];
  for (const { from, find, isTrusted: isTaken } of candidates) {
    const file = await find();
    if (file === undefined) continue;
    if (isTaken && (await isExecutable(file))) return file;
    const fault = await findFault(name, file);
    if (fault === undefined) return file;
    tried.push(`${file} (from ${from}): ${fault}`);
  }
  const variable = name === "ffmpeg" ? "FFMPEG_PATH" : "FFPROBE_PATH";
  throw new MissingBinaryError(
    `No working ${name} was found${tried.length > 0 ? `; tried ${tried.join("; ")}` : ""}. ` +
      `Install it with "apt-get install ffmpeg" or "brew install ffmpeg", or set ${variable} to its path.`,
  );
}

/**
 * Finds ffmpeg and ffprobe. The first one that runs is used, in this order: named in the
 * environment; shipped with the function; ffmpeg-static (for ffprobe: @derhuerst/ffprobe-static, of
 * the same release); PATH; the npm installer packages, which are old (`oldProgramsWarning` says
 * so). Each is run once to find out, unless it is trusted. Throws `MissingBinaryError`. Reasons for
 * the order: docs/decisions/which-ffmpeg.md
 */
export async function findBinaries(where: BinarySearch): Promise<Binaries> {
  const [ffmpeg, ffprobe] = await Promise.all([findFfmpeg(where), findFfprobe(where)]);
  return { ffmpeg, ffprobe };
}

/** Finds ffmpeg alone, as `findBinaries` does. */
export const findFfmpeg = (where: BinarySearch): Promise<string> =>
  firstThatRuns("ffmpeg", where.ffmpegPath, where, [
    { from: "ffmpeg-static", find: () => fromPackage(async () => (await import("ffmpeg-static")).default) },
    { from: "PATH", find: () => onPath("ffmpeg", where.path) },
    {
      from: "@ffmpeg-installer/ffmpeg",
      find: () => fromPackage(async () => (await import("@ffmpeg-installer/ffmpeg")).default.path),
    },
  ]);

const findFfprobe = (where: BinarySearch): Promise<string> =>
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
  ]);
