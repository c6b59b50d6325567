import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { refusedByDisk } from "./disk.ts";

/**
 * Queues and log groups that may be targets of a user's own rules: `arn:aws:sqs:…:NAME`,
 * `arn:aws:logs:…:log-group:NAME`.
 */
const FILE_TARGET = /^arn:aws:(?:sqs:[^:]*:[^:]*:(?<queue>[^:]+)|logs:[^:]*:[^:]*:log-group:(?<group>[^:]+)(?::\*)?)$/;

/** The name of the queue or log group in an ARN, or undefined where it's of another service. */
export const fileTargetName = (arn: string): string | undefined => {
  const { queue, group } = FILE_TARGET.exec(arn)?.groups ?? {};
  return queue ?? group;
};

/** The file of a queue or a log group. */
export const fileOf = (directory: string, name: string): string => join(directory, `${encodeURIComponent(name)}.jsonl`);

/**
 * Appends an event to the file of a queue or a log group, as a line of JSON. `directory` must
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
