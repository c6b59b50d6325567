import { Cut } from "#events-schema";
import { isSegmentLength, segmentLengthRule } from "../../../services/split/domain/overrides.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { run, UsageError } from "../../command-line/run.ts";
import { loadSettings } from "../../local/project.ts";
import { openDeployment, WHERE_OPTIONS } from "../deployment.ts";
import { requestSplits, type Wish } from "../request.ts";

const HELP = `npm run request -- s3://BUCKET/PREFIX [options]

Asks for the videos below PREFIX that aren't split yet. Safe to repeat.

  --seconds N     length of a segment in seconds (default: each object's own wish, else the settings)
  --cut CUT       exact or keyframe (default: likewise)
  --rate N        requests a second (default: 10)
  --dry-run       only counts
  --local         on the stack that "npm start" keeps up (default)
  --port N        its port (default: 4566)
  --stage NAME    on a deployed stage, with the AWS credentials of the environment
  --table NAME    the table of the documents, where it isn't the usual one
`;

const OPTIONS = {
  seconds: { type: "string" },
  cut: { type: "string" },
  rate: { type: "string", default: "10" },
  "dry-run": { type: "boolean", default: false },
  ...WHERE_OPTIONS,
  table: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

const parse = (args: string[]) =>
  parseCommandLine("npm run request", { args, options: OPTIONS, allowPositionals: true });

const PLACE = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

function wishOf({ values, positionals }: ReturnType<typeof parse>, extensions: string[]): Wish {
  const [place, ...more] = positionals;
  const match = PLACE.exec(place ?? "");
  if (match === null || more.length > 0)
    throw new UsageError(`Say one place, such as s3://archive/tapes/; got ${positionals.join(" ") || "none"}`);
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !isSegmentLength(seconds))
    throw new UsageError(`--seconds is "${values.seconds}"; ${segmentLengthRule}`);
  const cut = values.cut === undefined ? undefined : Cut.safeParse(values.cut);
  if (cut?.success === false) throw new UsageError(`--cut is "${values.cut}"; it must be exact or keyframe`);
  const rate = Number(values.rate);
  if (!(rate > 0 && rate <= 1_000))
    throw new UsageError(`--rate is "${values.rate}"; it must be a number from 0 to 1000`);
  const [, bucket = "", prefix = ""] = match;
  return { bucket, prefix, segmentSeconds: seconds, cut: cut?.data, extensions, rate, dryRun: values["dry-run"] };
}

const BYTES_IN_A_GB = 1e9;

async function main(stopping: AbortSignal): Promise<number> {
  const args = parse(process.argv.slice(2));
  if (args.values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = await loadSettings(args.values.stage ?? "local");
  const wish = wishOf(args, settings["video_split.accepted_extensions"]);
  const deployment = await openDeployment(args.values);
  const outcome = await requestSplits(
    deployment,
    wish,
    (key, what) =>
      process.stderr.write(`${wish.dryRun && what === "requested" ? "would be requested" : what}: ${key}\n`),
    stopping,
  );
  const { requested, bytes, alreadySplit, ownOutput, otherExtensions } = outcome;
  process.stdout.write(
    `${requested} videos of ${(bytes / BYTES_IN_A_GB).toFixed(3)} GB ${wish.dryRun ? "would be requested" : "requested"}; ` +
      `passed over: ${alreadySplit} already split, ${ownOutput} segments, ${otherExtensions} of other extensions\n`,
  );
  return 0;
}

await run(main);
