import { readFile } from "node:fs/promises";
import { appendToFile, fileOf } from "./event-files.ts";

/** A message in a dead-letter queue, as a person reads it. */
export type DeadLetter = {
  /** Where in the flow it was given up: at EventBridge's delivery, or in the function. */
  level: "delivery" | "function";
  /** The rule or the function. */
  source: string;
  errorCode: string;
  errorMessage: string;
  attempts: number;
  event: unknown;
};

export type DeadLetterQueues = {
  send(queue: string, letter: DeadLetter): Promise<void>;
  read(queue: string): Promise<DeadLetter[]>;
};

/** Dead-letter queues as one file of JSON lines each in `directory`, which must exist. */
export function openDeadLetterQueues(
  directory: string,
  onLetter: (queue: string, letter: DeadLetter) => void,
): DeadLetterQueues {
  return {
    send: async (queue, letter) => {
      await appendToFile(directory, queue, letter);
      onLetter(queue, letter);
    },
    read: async (queue) => {
      const text = await readFile(fileOf(directory, queue), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error;
      });
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as DeadLetter);
    },
  };
}
