import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { binaries } from "../fixtures/media.ts";

/**
 * The ffmpeg and ffprobe that the check decodes with, independent of those that the service cuts
 * with: CHECK_FFMPEG and CHECK_FFPROBE, else those on PATH, else the service's.
 */

type Tools = { ffmpeg: string; ffprobe: string; passthrough: string[]; keepsSizes: string[] };

const ENVIRONMENT = {
  PATH: process.env.PATH ?? "",
  LC_ALL: "C",
  AV_LOG_FORCE_NOCOLOR: "1",
  GCONV_PATH: "/nonexistent",
};

const run = (file: string, args: string[]) =>
  promisify(execFile)(file, args, { env: ENVIRONMENT, maxBuffer: 2 ** 28, encoding: "utf8" });

async function firstThatRuns(candidates: (string | undefined)[]): Promise<string> {
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    const runs = await run(candidate, ["-version"]).then(
      () => true,
      () => false,
    );
    if (runs) return candidate;
  }
  throw new Error("No ffmpeg runs. Install it, or set CHECK_FFMPEG and CHECK_FFPROBE.");
}

async function findTools(): Promise<Tools> {
  const ffmpeg = await firstThatRuns([process.env.CHECK_FFMPEG, "ffmpeg", (await binaries).ffmpeg]);
  const ffprobe = await firstThatRuns([process.env.CHECK_FFPROBE, "ffprobe", (await binaries).ffprobe]);
  const { stdout: help } = await run(ffmpeg, ["-hide_banner", "-h", "long"]);
  return {
    ffmpeg,
    ffprobe,
    passthrough: help.includes("-fps_mode") ? ["-fps_mode", "passthrough"] : ["-vsync", "passthrough"],
    // Since 4.4, frames of another size are scaled to the first one's unless this is off.
    keepsSizes: help.includes("-autoscale") ? ["-autoscale", "0"] : [],
  };
}

let found: Promise<Tools> | undefined;
export const tools = (): Promise<Tools> => {
  found ??= findTools();
  return found;
};

/** ffmpeg's global options. One thread: the output for damaged data must not depend on timing. */
const GLOBAL = ["-hide_banner", "-nostdin", "-nostats", "-y", "-loglevel", "repeat+level+info", "-threads", "1"];

const running = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A process that doesn't outlive this one. */
export function ownChild(child: ChildProcess): void {
  running.add(child);
  child.once("close", () => running.delete(child));
}

type Listeners = { onLine?: (line: string) => void; onMessage?: (line: string) => void };

const linesOf = async (stream: Readable, onLine: ((line: string) => void) | undefined): Promise<void> => {
  if (onLine === undefined) return void stream.resume();
  for await (const line of createInterface({ input: stream })) onLine(line);
};

/**
 * Runs ffmpeg and passes on its output and messages line by line. Resolves with its exit code.
 * `binary`: another ffmpeg.
 */
export async function ffmpegLines(args: string[], { onLine, onMessage }: Listeners, binary?: string): Promise<number> {
  const child = spawn(binary ?? (await tools()).ffmpeg, [...GLOBAL, ...args], {
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  ownChild(child);
  const exit = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const [code] = await Promise.all([exit, linesOf(child.stdout, onLine), linesOf(child.stderr, onMessage)]);
  return code;
}

/** Starts an ffmpeg that writes raw data to stdout. */
export async function ffmpegPipe(args: string[]) {
  const child = spawn((await tools()).ffmpeg, [...GLOBAL, ...args, "pipe:1"], {
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return { output: child.stdout, stop: () => void child.kill("SIGKILL") };
}

/**
 * Input options that keep a file's own times, and the seconds by which these are shifted. When one
 * track is read from a container whose times may jump, and the file starts at 0, ffmpeg moves the
 * track to 0 (`ts_fixup` in ffmpeg_demux.c), unless its times are shifted by more than any file's
 * start. A multiple of 1,001 s is a whole number of ticks in all of their time bases.
 */
export function ownTimes(format: string): { options: string[]; ahead: number } {
  const ahead = /^(?:mpegts|mpeg|ogg)$/.test(format) ? 1001 : 0;
  return { options: ["-copyts", ...(ahead === 0 ? [] : ["-itsoffset", String(ahead)])], ahead };
}

/** ffprobe's output; empty when it can't open the file. */
export async function ffprobe(...args: string[]): Promise<string> {
  try {
    return (await run((await tools()).ffprobe, ["-hide_banner", "-v", "error", ...args])).stdout;
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? "";
  }
}

/**
 * Messages that don't concern decoding: those of the tools, and of parsers that run ahead of the
 * decoder.
 */
const OTHER_SPEAKERS = /^\[(?:NULL|Parsed_|framehash|out#)/;

/** Which messages are counted. */
export type MessageLevels = "errors" | "warnings";

const LEVELS: Readonly<Record<MessageLevels, RegExp>> = {
  errors: /\[(?:error|fatal|panic)\] ?/,
  warnings: /\[(?:warning|error|fatal|panic)\] ?/,
};

/** Counts error messages, and warnings on request, without the numbers and addresses in them. */
export function messagesOf(levels: MessageLevels = "errors") {
  const messages = new Map<string, number>();
  const listen = (line: string): void => {
    if (!LEVELS[levels].test(line) || OTHER_SPEAKERS.test(line)) return;
    const text = line
      .replace(/^\[(\S+) @ \S+\] /, "$1: ")
      .replace(LEVELS[levels], "")
      .replace(/0x[0-9a-f]+/gi, "#")
      .replace(/-?\d+(?:\.\d+)?/g, (digits, at: number, all: string) =>
        /[a-z]$/i.test(all.slice(0, at)) ? digits : "#",
      )
      .slice(0, 120);
    messages.set(text, (messages.get(text) ?? 0) + 1);
  };
  return { messages, listen };
}
