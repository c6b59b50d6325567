import { createHash, randomBytes } from "node:crypto";
import type { LocalFunction } from "./contract.ts";

/**
 * Variables that a function inherits from the local stack. It gets no others, especially no
 * credentials.
 */
const INHERITED = ["PATH", "FFMPEG_PATH", "FFMPEG_BIN", "FFPROBE_PATH", "FFPROBE_BIN"] as const;

/**
 * A log stream's name as Lambda gives it to each execution environment: `2026/11/23/[$LATEST]` and
 * 32 hex digits.
 */
const logStream = (): string =>
  `${new Date().toISOString().slice(0, 10).replaceAll("-", "/")}/[$LATEST]${randomBytes(16).toString("hex")}`;

/**
 * The part of a trace's id that distinguishes it from others of the same second: all attempts of an
 * invocation share a trace.
 */
export const traceOf = (requestId: string): string => createHash("sha256").update(requestId).digest("hex").slice(0, 24);

/**
 * An X-Ray header for an invocation that isn't sampled.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html
 */
export function traceHeader(requestId: string): string {
  const seconds = Math.floor(Date.now() / 1_000).toString(16);
  return `Root=1-${seconds}-${traceOf(requestId)};Parent=${randomBytes(8).toString("hex")};Sampled=0`;
}

/**
 * All the variables of an execution environment. Lambda reserves its own, so `environment` can't
 * replace them. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export function variablesOf(
  { name, memoryMB, environment }: LocalFunction,
  where: { region: string; taskRoot: string; handler: string; temporaryFolder: string },
): Record<string, string> {
  const { region, taskRoot, handler, temporaryFolder } = where;
  const inherited = INHERITED.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]]));
  return {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    ...environment,
    HOME: temporaryFolder,
    TMPDIR: temporaryFolder,
    LAMBDA_TASK_ROOT: taskRoot,
    _HANDLER: handler,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMB),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream(),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_SESSION_TOKEN: "local",
  };
}

/**
 * Node's flags. Lambda gives the old generation 90 % of the function's memory and leaves the rest
 * to the young one and to buffers.
 * https://dev.to/wonderfulsoap/deep-dive-into-aws-lambda-3-official-nodejs-runtime-analysis-43je
 */
export const nodeFlags = (memoryMB: number): string[] => [
  "--enable-source-maps",
  `--max-old-space-size=${Math.floor(memoryMB * 0.9)}`,
];
