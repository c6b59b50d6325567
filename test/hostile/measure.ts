import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CutChoice } from "../../services/split/ports/ledger.ts";
import type { SplitReport } from "./split-one.ts";

/** What a split took, beside what came of it. */
export type Measured = SplitReport & {
  seconds: number;
  /** Of CPU, of Node and of all that it started. */
  cpuSeconds: number;
  /** The largest sizes in memory, in MB: of Node, of one ffmpeg or ffprobe, and of all together. */
  nodeMB: number;
  ffmpegMB: number;
  totalMB: number;
};

const SCRIPT = fileURLToPath(new URL("split-one.ts", import.meta.url));

/** Lambda's limit of open files. */
const OPEN_FILES = 1_024;

/** Size of the old generation that Lambda gives Node in a function of 1,769 MB. */
const HEAP_MB = 1_592;

/** A split that takes longer is stopped. */
const MAX_SECONDS = 120;

const SAMPLE_MS = 20;

const BYTES_PER_MB = 2 ** 20;

/**
 * A field of a process's status, in MB; 0 if it has ended.
 * https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 */
function statusOf(pid: number): { parent: number; highest: number; now: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "latin1");
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
    return {
      parent: field("PPid"),
      highest: (field("VmHWM") * 1_024) / BYTES_PER_MB,
      now: (field("VmRSS") * 1_024) / BYTES_PER_MB,
    };
  } catch {
    return undefined;
  }
}

const TICKS_A_SECOND = 100;

/** Seconds of CPU that a process and those of its children that have ended took. proc_pid_stat(5). */
function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND;
  } catch {
    return 0;
  }
}

/** Splits a file in a process of its own, and measures it and what it starts. Linux alone says how large they are. */
export async function measure(file: string, cut: CutChoice["cut"], segmentSeconds: number): Promise<Measured> {
  const command = `ulimit -n ${OPEN_FILES}; exec "$@"`;
  const node = [process.execPath, `--max-old-space-size=${HEAP_MB}`, SCRIPT, file, cut, String(segmentSeconds)];
  const begun = performance.now();
  const child = spawn("/bin/sh", ["-c", command, "sh", ...node], { stdio: ["ignore", "pipe", "pipe"] });
  const largest = { cpuSeconds: 0, nodeMB: 0, ffmpegMB: 0, totalMB: 0 };
  const sample = (): void => {
    const processes = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const status = statusOf(Number(name));
        return status === undefined ? [] : [{ pid: Number(name), ...status }];
      });
    const node = processes.find(({ pid }) => pid === child.pid);
    const programs = processes.filter(({ parent }) => parent === child.pid);
    largest.cpuSeconds = Math.max(largest.cpuSeconds, cpuOf(child.pid!));
    largest.nodeMB = Math.max(largest.nodeMB, node?.highest ?? 0);
    largest.ffmpegMB = Math.max(largest.ffmpegMB, ...programs.map(({ highest }) => highest));
    const total = programs.reduce((sum, { now }) => sum + now, node?.now ?? 0);
    largest.totalMB = Math.max(largest.totalMB, total);
  };
  const sampling = setInterval(sample, SAMPLE_MS);
  const stopping = setTimeout(() => child.kill("SIGKILL"), MAX_SECONDS * 1_000);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2_000);
  });
  const ending = await new Promise<string>((resolve) =>
    child.once("close", (code, signal) => resolve(String(signal ?? code))),
  );
  clearInterval(sampling);
  clearTimeout(stopping);
  const seconds = (performance.now() - begun) / 1_000;
  const report: SplitReport = stdout.startsWith("{")
    ? (JSON.parse(stdout) as SplitReport)
    : { outcome: `ended: ${ending}`, message: stderr, blockedMs: 0 };
  return { ...report, seconds, ...largest };
}
