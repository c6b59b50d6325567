import { parseCommandLine } from "../../command-line/parse.ts";
import { UsageError } from "../../command-line/run.ts";

export type Arguments = {
  /** Undefined: make a sample. */
  video: string | undefined;
  seconds: number | undefined;
  cut: string | undefined;
  out: string | undefined;
  json: boolean;
  verbose: boolean;
};

export const HELP = `npx video-split split [VIDEO] [options]

Splits VIDEO (without it: a sample that is made) with the real service on a temporary stack.
If it is killed, the same command continues.

  --seconds N             length of a segment in seconds (default: settings.json)
  --cut exact|keyframe    how boundaries are chosen (default: settings.json)
  --out DIR               where to put the segments
  --json                  print one JSON object: outcome, video, segments, events, files
  --verbose               show the functions' logs

Examples:
  npx video-split split
  npx video-split split beach.mp4 --seconds 30 --out segments
  npx video-split split beach.mp4 --cut keyframe --json > result.json

Exit code: 0 split, 2 rejected, 1 anything else.
`;

const OPTIONS = {
  seconds: { type: "string" },
  cut: { type: "string" },
  out: { type: "string" },
  json: { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Reads the command line. Throws `UsageError` with what to change. */
export function parseArguments(argv: string[]): Arguments | "help" {
  const { values, positionals } = parseCommandLine("split", {
    args: argv,
    options: OPTIONS,
    allowPositionals: true,
  });
  if (values.help) return "help";
  if (positionals.length > 1)
    throw new UsageError(`Specify one video; got ${positionals.join(", ")}. Quote names with spaces.`);
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !(seconds >= 0.5 && seconds <= 86_400)) {
    throw new UsageError(`--seconds is "${values.seconds}"; it must be a number from 0.5 to 86400`);
  }
  if (values.cut !== undefined && values.cut !== "keyframe" && values.cut !== "exact") {
    throw new UsageError(`--cut is "${values.cut}"; it must be exact or keyframe`);
  }
  const { cut, out, json, verbose } = values;
  return { video: positionals[0], seconds, cut, out, json, verbose };
}
