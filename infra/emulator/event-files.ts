import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { refusedByDisk } from "./disk.ts";

/** Log groups that may be targets of a user's own rules: `arn:aws:logs:…:log-group:NAME`. */
const LOG_GROUP = /^arn:aws:logs:[^:]*:[^:]*:log-group:([^:]+)(?::\*)?$/;

/** The name of the log group in an ARN, or undefined where it's of another service. */
export const logGroupName = (arn: string): string | undefined => LOG_GROUP.exec(arn)?.[1];

/** The file of a log group. */
export const fileOf = (directory: string, name: string): string => join(directory, `${encodeURIComponent(name)}.jsonl`);

/**
 * Appends an event to the file of a log group, as a line of JSON. `directory` must
 * exist.
 */
export async function appendToFile(directory: string, name: string, event: unknown): Promise<void> {
  const file = fileOf(directory, name);
  try {
    await appendFile(file, `${JSON.stringify(event)}\n`, { mode: 0o600 });
  } catch (error) {
    throw refusedByDisk(error, file);
  }
}
