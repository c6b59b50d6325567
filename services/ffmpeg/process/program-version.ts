import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Binaries } from "./binaries.ts";
import { CHILD_ENVIRONMENT } from "./sandbox.ts";

/** The version that `ffmpeg -version` or `ffprobe -version` prints. */
export type ProgramVersion = {
  /** Such as "7.0.2", "5.1.9-0+deb12u1" or, for a development snapshot, "N-66595-gc2b38619c0". */
  version: string;
  /**
   * Year of its sources. A distribution's security update of an old version has the update's year.
   */
  year: number;
};

const TIMEOUT_MS = 20_000;

/** Older sources lack recent security fixes. */
const MAX_AGE_YEARS = 2;

/** Parses the first line of `-version`; undefined when it isn't ffmpeg's. */
export function parseVersion(output: string): ProgramVersion | undefined {
  const [, version, year] = /^ff(?:mpeg|probe) version n?(\S+) .*Copyright \(c\) \d{4}-(\d{4}) /.exec(output) ?? [];
  if (version === undefined || year === undefined) return undefined;
  return { version: version.replace(/-static$/, ""), year: Number(year) };
}

/** The version of a program; undefined when it can't be run or isn't ffmpeg. */
export async function readVersion(file: string): Promise<ProgramVersion | undefined> {
  const options = { timeout: TIMEOUT_MS, env: CHILD_ENVIRONMENT };
  const { stdout } = await promisify(execFile)(file, ["-version"], options).catch(() => ({ stdout: "" }));
  return parseVersion(stdout);
}

/**
 * A warning for the user when ffmpeg or ffprobe is too old for untrusted files; otherwise
 * undefined.
 */
export async function oldProgramsWarning(
  { ffmpeg, ffprobe }: Binaries,
  now: () => Date = () => new Date(),
): Promise<string | undefined> {
  const found = await Promise.all([ffmpeg, ffprobe].map(readVersion));
  const old = found.flatMap((program, index) => {
    if (program === undefined || now().getFullYear() - program.year <= MAX_AGE_YEARS) return [];
    return [`${index === 0 ? "ffmpeg" : "ffprobe"} ${program.version} is from ${program.year}`];
  });
  if (old.length === 0) return undefined;
  const [they, them] = old.length === 1 ? ["it lacks", "it"] : ["they lack", "them"];
  return (
    `${old.join(" and ")}: ${they} later security fixes. Use ${them} for your own videos only. ` +
    'Install a newer one with "apt-get install ffmpeg" or "brew install ffmpeg", or set FFMPEG_PATH and FFPROBE_PATH.'
  );
}
