import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Cut } from "#events-schema";
import { UsageError } from "../../infra/command-line/run.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";

/** A split to check. `seconds` undefined: depends on the video's length. */
export type Input = { path: string; cut: Cut; seconds: number | undefined };

export const BOTH_CUTS: readonly Cut[] = ["exact", "keyframe"];

const DEFAULT_SECONDS = 2;
const LONG_VIDEO_S = 300;
const LONG_SECONDS = 60;

/** Segments of 2 s, or of 60 s for a video longer than five minutes. `duration` in seconds. */
export const segmentLengthFor = (duration: number): number =>
  duration > LONG_VIDEO_S ? LONG_SECONDS : DEFAULT_SECONDS;

type Options = { cut: Cut; seconds: number };

/** The cut of a case whose row has none. */
const DEFAULT_CASE: Options = { cut: "exact", seconds: 4 };

/** The runs in a row's second column, such as "exact --seconds 5 or --cut keyframe --seconds 4". */
export function runsIn(text: string): Options[] {
  const from = text.search(/(?:\bexact )?--(?:cut|seconds)\b/);
  if (from === -1) return [DEFAULT_CASE];
  return text
    .slice(from)
    .split(" or ")
    .flatMap((alternative) => {
      const [, seconds] = /(?:--seconds |^)(\d+(?:\.\d+)?)/.exec(alternative) ?? [];
      if (seconds === undefined) return [];
      return [{ cut: alternative.includes("--cut keyframe") ? "keyframe" : "exact", seconds: Number(seconds) }];
    });
}

/** The runs of a table of cases; its first column is the name of a file in the folder. */
async function casesIn(folder: string): Promise<Input[]> {
  const rows = (await readFile(join(folder, CASES), "utf8")).split("\n").slice(1).filter(Boolean);
  return rows.flatMap((row) => {
    const [file, text] = row.split("\t");
    return runsIn(text!).map((options) => ({ path: join(folder, file!), ...options }));
  });
}

const CASES = "cases.tsv";

const bothCuts = (path: string): Input[] => BOTH_CUTS.map((cut) => ({ path, cut, seconds: undefined }));

/** The runs of a file, of a folder of files, or of a folder with a table of cases. */
export async function inputsAt(path: string): Promise<Input[]> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(cause.code === "ENOENT" ? `There is no ${path}` : cause.message, { cause });
  });
  if (!found.isDirectory()) return bothCuts(path);
  const names = await readdir(path);
  if (names.includes(CASES)) return casesIn(path);
  return names
    .filter((name) => !name.endsWith(".tsv"))
    .sort()
    .flatMap((name) => bothCuts(join(path, name)));
}

const SHARED = ["cases", "media"].map((name) => join(PROJECT_ROOT, "..", "shared", name));

/** The folders that are checked without arguments: existing and missing ones. */
export const sharedFolders = () => ({
  there: SHARED.filter((folder) => existsSync(folder)),
  absent: SHARED.filter((folder) => !existsSync(folder)),
});
