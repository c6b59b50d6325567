import type { S3Client } from "@aws-sdk/client-s3";
import { Cut } from "#events-schema";
import { s3MediaStore } from "../../../services/aws/media-store.ts";
import { headerLength } from "../../../services/ffmpeg/index.ts";
import { isSegmentLength, segmentLengthRule } from "../../../services/video/segment-length.ts";
import { print, writeLines } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { findPrograms } from "../../command-line/programs.ts";
import { UsageError } from "../../command-line/run.ts";
import { LOCAL_NAMES } from "../../local/names.ts";
import { loadSettings } from "../../local/project.ts";
import type { Settings } from "../../settings.ts";
import { topology } from "../../topology.ts";
import { openDeployment, WHERE_OPTIONS } from "../deployment.ts";
import { type Estimate, estimate } from "../estimate.ts";
import { type Lengths, type RequestOptions, requestSplits } from "../request.ts";

const HELP = `npx video-split request s3://BUCKET/PREFIX [options]

Requests a split of each video below PREFIX that isn't split yet. Safe to repeat.

  --seconds N     segment length in seconds (default: the object's metadata, else the settings)
  --cut CUT       exact or keyframe (default: likewise)
  --rate N        requests a second (default: 10)
  --dry-run       only counts: videos, bytes, hours, segments, and an estimate of the cost on AWS
  --local         on the stack that "npx video-split start" runs (default)
  --port N        its port (default: 4566)
  --stage NAME    on a deployed stage, with the AWS credentials of the environment

Examples:
  npx video-split request s3://archive/tapes/ --dry-run --stage production
  npx video-split request s3://archive/tapes/ --seconds 60 --stage production

Exit code: 0, or 1 where objects can't be read: each is named, and the others are requested.
`;

const OPTIONS = {
  seconds: { type: "string" },
  cut: { type: "string" },
  rate: { type: "string", default: "10" },
  "dry-run": { type: "boolean", default: false },
  ...WHERE_OPTIONS,
  help: { type: "boolean", short: "h", default: false },
} as const;

const parse = (args: string[]) => parseCommandLine("request", { args, options: OPTIONS, allowPositionals: true });

const PLACE = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

function optionsOf({ values, positionals }: ReturnType<typeof parse>, settings: Settings): RequestOptions {
  const [place, ...more] = positionals;
  const match = PLACE.exec(place ?? "");
  if (match === null || more.length > 0)
    throw new UsageError(
      `Specify one bucket and prefix, such as s3://archive/tapes/; got ${positionals.join(" ") || "none"}`,
    );
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !isSegmentLength(seconds))
    throw new UsageError(`--seconds is "${values.seconds}"; ${segmentLengthRule}`);
  const cut = values.cut === undefined ? undefined : Cut.safeParse(values.cut);
  if (cut?.success === false) throw new UsageError(`--cut is "${values.cut}"; it must be exact or keyframe`);
  const rate = Number(values.rate);
  if (!(rate > 0 && rate <= 1_000))
    throw new UsageError(`--rate is "${values.rate}"; it must be a number from 0 to 1000`);
  const [, bucket = "", prefix = ""] = match;
  const usual = {
    segmentSeconds: settings["video_split.output_files_duration_in_sec"],
    cut: settings["video_split.cut"],
  };
  const extensions = settings["video_split.accepted_extensions"];
  return {
    bucket,
    prefix,
    segmentSeconds: seconds,
    cut: cut?.data,
    usual,
    extensions,
    rate,
    dryRun: values["dry-run"],
  };
}

const BYTES_IN_A_GB = 1e9;

/** Milliseconds for reading one header. */
const MAX_HEADER_MS = 30_000;

/**
 * Reads durations from headers by the service's own ffprobe; without ffprobe, durations are
 * unknown.
 */
async function lengthsOf(s3: S3Client, stopping: AbortSignal): Promise<Lengths> {
  const binaries = await findPrograms(process.env).catch((error: Error) => {
    writeLines(process.stderr, `Durations are unknown: ${error.message}`);
    return undefined;
  });
  if (binaries === undefined) return async () => undefined;
  const { read } = s3MediaStore(s3);
  return async ({ source, bytes: size }) => {
    if (size === 0) return undefined;
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(MAX_HEADER_MS)]);
    const ranged = { size, read: (start: number, end: number, until: AbortSignal) => read(source, start, end, until) };
    try {
      return await headerLength(binaries.ffprobe, ranged, signal);
    } catch (error) {
      stopping.throwIfAborted();
      writeLines(process.stderr, `${source.key}: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  };
}

const rough = (value: number): string => Number(value.toPrecision(2)).toString();

const dollars = (value: number): string => `$${rough(value)}`;

/** With two significant digits: it is an estimate. */
function describeEstimate({ videos, known, seconds, segments, cost, storage }: Estimate): string[] {
  const lengths = `the headers of ${known} of ${videos} videos contain a duration`;
  if (seconds === undefined || segments === undefined || cost === undefined)
    return [`  ${lengths}: nothing can be estimated`];
  const { lambda, s3, eventBridge, dynamoDB } = cost;
  const once = lambda + s3 + eventBridge + dynamoDB;
  const parts = `Lambda ${dollars(lambda)}, S3 requests ${dollars(s3)}, EventBridge ${dollars(eventBridge)}, DynamoDB ${dollars(dynamoDB)}`;
  return [
    `  about ${rough(seconds / 3_600)} hours; ${lengths}${known < videos ? ", the others are estimated from file size" : ""}`,
    `  about ${segments < 100 ? segments : rough(segments)} segments`,
    `  about ${dollars(once)} once (${parts}), and ${dollars(storage)} a month for keeping the segments:`,
    "  approximate prices of us-east-1, and speeds that were never measured on AWS",
  ];
}

/** Runs `npx video-split request`. Returns the exit code. */
export async function main(argv: string[], stopping: AbortSignal): Promise<number> {
  const args = parse(argv);
  if (args.values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = await loadSettings(args.values.stage ?? "local");
  const options = optionsOf(args, settings);
  const deployment = await openDeployment(args.values);
  const outcome = await requestSplits(
    deployment,
    options,
    (key, what, why) => {
      const says = options.dryRun && what === "requested" ? "would be requested" : what;
      writeLines(process.stderr, `${says}: ${key}${why === undefined ? "" : `: ${why}`}`);
    },
    stopping,
    options.dryRun ? await lengthsOf(deployment.s3, stopping) : undefined,
  ).catch((cause: Error) => {
    if (cause.name !== "NoSuchBucket") throw cause;
    throw new UsageError(`There is no bucket ${options.bucket}`, { cause });
  });
  const { requested, bytes, alreadySplit, ownOutput, otherExtensions, unreadable } = outcome;
  print(
    `${requested} videos of ${(bytes / BYTES_IN_A_GB).toFixed(3)} GB ${options.dryRun ? "would be requested" : "requested"}; ` +
      `skipped: ${alreadySplit} already split, ${ownOutput} segments, ${otherExtensions} of other extensions, ${unreadable} that can't be read`,
  );
  if (options.dryRun && requested > 0) {
    const { split } = topology(settings, LOCAL_NAMES).functions;
    print(...describeEstimate(estimate(outcome.candidates, { split, posters: settings["poster.enabled"] })));
  }
  return unreadable > 0 ? 1 : 0;
}
