import { print } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { UsageError } from "../../command-line/run.ts";
import { table } from "../../command-line/table.ts";
import { LOCAL_NAMES } from "../../local/names.ts";
import { loadSettings } from "../../local/project.ts";
import { topology } from "../../topology.ts";
import { type Cost, estimate } from "../estimate.ts";

const HELP = `npx video-split cost [--hours N] [--mbps N] [--stage NAME]

Estimates what it costs on AWS to split one video, by both cuts and two lengths of segments, with the settings of a stage: the
arithmetic of "npx video-split request --dry-run". Prices of us-east-1 and speeds are approximate, and were never measured on AWS.

  --hours N     length of the video (default: 1)
  --mbps N      megabits a second (default: 8)
  --stage NAME  whose settings (default: local)

Example:
  npx video-split cost --hours 2 --mbps 20
`;

const OPTIONS = {
  hours: { type: "string", default: "1" },
  mbps: { type: "string", default: "8" },
  stage: { type: "string", default: "local" },
  help: { type: "boolean", short: "h", default: false },
} as const;

const SECONDS_AN_HOUR = 3_600;
const BITS_A_BYTE = 8;

const SEGMENT_SECONDS = [10, 30];
const CUTS = ["keyframe", "exact"] as const;

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1_000))
    throw new UsageError(`--${option} is "${text}"; it must be a number above 0 and at most 1000`);
  return value;
}

const dollars = (value: number): string => value.toFixed(4);

const cellsOf = ({ lambda, s3, eventBridge, dynamoDB }: Cost): string[] =>
  [lambda, s3, eventBridge, dynamoDB, lambda + s3 + eventBridge + dynamoDB].map(dollars);

/** Runs `npx video-split cost`. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseCommandLine("cost", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const seconds = positive("hours", values.hours) * SECONDS_AN_HOUR;
  const bytes = (positive("mbps", values.mbps) * 1e6 * seconds) / BITS_A_BYTE;
  const settings = await loadSettings(values.stage);
  const { split } = topology(settings, LOCAL_NAMES).functions;
  const { memoryMB, architecture } = split;
  const posters = settings["poster.enabled"];
  const rows = CUTS.flatMap((cut) =>
    SEGMENT_SECONDS.map((segmentSeconds) => {
      const { segments, cost } = estimate([{ bytes, seconds, segmentSeconds, cut }], { split, posters });
      return [cut, `${segmentSeconds} s`, String(segments), ...cellsOf(cost!)];
    }),
  );
  const head = ["cut", "X", "segments", "Lambda", "S3", "EventBridge", "DynamoDB", "$ in all"];
  print(...table([head, ...rows], [...head.keys()]));
  const kept = estimate([{ bytes, seconds, segmentSeconds: 30, cut: "exact" }], { split, posters }).storage;
  print(
    `${values.hours} h at ${values.mbps} Mb/s, ${memoryMB} MB of memory, ${architecture}, ${posters ? "with" : "without"} posters; ` +
      `keeping the segments: $${kept.toFixed(3)} a month`,
  );
  return 0;
}
