import { diskFull, isDiskFull } from "../emulator/disk.ts";
import { writeLines, writeStyled } from "./lines.ts";

/** 128 plus the signal's number, as in shells. */
const EXIT_INTERRUPTED = 130;
const EXIT_FAILED = 1;

/** A wrong argument. The message is one line that says what to change. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly exitCode: number;

  constructor(message: string, { exitCode = EXIT_FAILED, ...options }: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Ctrl-C. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** Errors of which only the message is printed; DEBUG prints the stack of others. */
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

/** The message; for a full disk and for a port without a listener, a better one than Node's. */
function explained(error: Error): string {
  const { code, address, port } = error as Partial<{ code: string; address: string; port: number }>;
  if (isDiskFull(error) && error.name !== "DiskFullError") return diskFull(error).message;
  if (code !== "ECONNREFUSED") return error.message;
  return `No server responds at http://${address}:${port}. Start the stack with "npx video-split start", or specify its port with --port`;
}

function report(fault: Error): void {
  const text = isExpected(fault) || process.env.DEBUG === undefined ? explained(fault) : (fault.stack ?? "");
  writeStyled("red", process.stderr, ...text.split("\n"));
}

/**
 * Ends the process, as Node does for an uncaught error. A full disk is reported like any expected
 * error.
 */
function onUncaught(error: unknown): void {
  const fault = error instanceof Error ? error : new Error(String(error));
  if (isDiskFull(fault) || fault.name === "DamagedStateError") report(fault);
  else writeLines(process.stderr, ...(fault.stack ?? fault.message).split("\n"));
  process.exit(EXIT_FAILED);
}

/**
 * Runs a command, which returns the exit code. The first Ctrl-C aborts the signal, so that the
 * command can clean up; the second one ends the process immediately.
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
    if (error instanceof Interrupted) {
      process.exitCode = EXIT_INTERRUPTED;
      return;
    }
    process.exitCode = error instanceof UsageError ? error.exitCode : EXIT_FAILED;
    const fault = error instanceof Error ? error : new Error(String(error));
    report(fault);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    process.off("SIGHUP", stop);
  }
}
