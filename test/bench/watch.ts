import { readdir, readFile, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { childrenOf } from "../../infra/emulator/faults/client-process.ts";

/** Passes the bytes of each answer on to `count`. */
export function counted(response: ServerResponse, count: (bytes: number) => void): void {
  const { write, end } = response;
  const sizeOf = (chunk: unknown): number =>
    typeof chunk === "string" || chunk instanceof Uint8Array ? Buffer.byteLength(chunk) : 0;
  response.write = ((chunk: unknown, ...rest: unknown[]) => {
    count(sizeOf(chunk));
    return Reflect.apply(write, response, [chunk, ...rest]);
  }) as typeof write;
  response.end = ((chunk: unknown, ...rest: unknown[]) => {
    count(sizeOf(chunk));
    return Reflect.apply(end, response, [chunk, ...rest]);
  }) as typeof end;
}

/** What a function's process runs; the bundler is a child of the stack too. */
const RUNTIME = "bootstrap.mjs";

/**
 * Bytes that a function's process has held at most; 0 for any other, and for one that has ended.
 */
async function peakOf(pid: number): Promise<number> {
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  if (!command.includes(RUNTIME)) return 0;
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
}

/** Watches the functions' processes: the most that one of them held. */
export function watchMemory(): { stop(): number } {
  let most = 0;
  const timer = setInterval(async () => {
    for (const pid of await childrenOf(process.pid, "")) most = Math.max(most, await peakOf(pid));
  }, 500);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}

/** Process ids of what a process's main thread started. https://docs.kernel.org/filesystems/proc.html */
async function startedBy(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

const PAGE_BYTES = 4_096;

/** Resident bytes of a process; 0 for one that is gone. */
async function residentBytes(pid: number): Promise<number> {
  const [, pages = "0"] = (await readFile(`/proc/${pid}/statm`, "utf8").catch(() => "")).split(" ");
  return Number(pages) * PAGE_BYTES;
}

/** What the programs of each function hold now: ffmpeg and ffprobe are started by its process. */
async function programsNow(): Promise<number[]> {
  const functions = await startedBy(process.pid);
  return Promise.all(
    functions.map(async (pid) => {
      const held = await Promise.all((await startedBy(pid)).map(residentBytes));
      return held.reduce((sum, bytes) => sum + bytes, 0);
    }),
  );
}

/** Watches the programs that functions start: the most that those of one function held at the same time. */
export function watchPrograms(): { stop(): number } {
  let most = 0;
  const timer = setInterval(async () => {
    most = Math.max(most, ...(await programsNow()));
  }, 250);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}

/** Bytes of the files in a folder, as far as they can be read. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Watches a folder: the most that was in it. */
export function watchDisk(folder: string): { stop(): number } {
  let most = 0;
  const timer = setInterval(async () => {
    most = Math.max(most, await bytesIn(folder));
  }, 250);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}
