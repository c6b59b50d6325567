import { diskFull, isDiskFull } from "../emulator/disk.ts";
import { writeLines } from "./lines.ts";

/** A mistake of the person at the keyboard, told in one line. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Ctrl-C. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** 128 and the signal's number, as shells have it. */
const EXIT_INTERRUPTED = 130;
const EXIT_FAILED = 1;

/** Errors whose message says all there is to say; of others the stack is worth seeing when asked for. */
const isExpected = (error: Error): boolean =>
  [
    "UsageError",
    "SettingsError",
    "MissingBinaryError",
    "PackagingError",
    "PortInUseError",
    "StateInUseError",
    "StateFolderError",
    "DamagedStateError",
    "DiskFullError",
    "SplitFailedError",
    "ReplayError",
    "ProjectorNotFoundError",
    "StageNotFoundError",
  ].includes(error.name);

/** Node's own words for a port where nobody listens say neither that nor what to do. */
function explained(error: Error): string {
  const { code, address, port } = error as Partial<{ code: string; address: string; port: number }>;
  if (isDiskFull(error) && error.name !== "DiskFullError") return diskFull(error).message;
  if (code !== "ECONNREFUSED") return error.message;
  return `Nothing answers at http://${address}:${port}. Bring the stack up with "npm start"; if it has another port, say so with --port`;
}

function report(fault: Error): void {
  const text = isExpected(fault) || process.env.DEBUG === undefined ? explained(fault) : (fault.stack ?? "");
  writeLines(process.stderr, ...text.split("\n"));
}

/** What nobody caught ends the process, as Node has it; a full disk is named like any other expected fault. */
function onUncaught(error: unknown): void {
  const fault = error instanceof Error ? error : new Error(String(error));
  if (isDiskFull(fault) || fault.name === "DamagedStateError") report(fault);
  else writeLines(process.stderr, ...(fault.stack ?? fault.message).split("\n"));
  process.exit(EXIT_FAILED);
}

/**
 * Runs a command: its number is the exit code. The first Ctrl-C aborts the signal, so that it can clean up; a second one
 * ends at once.
 */
export async function run(main: (stopping: AbortSignal) => Promise<number>): Promise<void> {
  const stopping = new AbortController();
  const stop = () => {
    if (stopping.signal.aborted) process.exit(EXIT_INTERRUPTED);
    stopping.abort(new Interrupted("interrupted"));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("SIGHUP", stop);
  process.on("uncaughtException", onUncaught);
  try {
    process.exitCode = await main(stopping.signal);
  } catch (error) {
    process.exitCode = error instanceof Interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
    if (error instanceof Interrupted) return;
    const fault = error instanceof Error ? error : new Error(String(error));
    report(fault);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    process.off("SIGHUP", stop);
  }
}
