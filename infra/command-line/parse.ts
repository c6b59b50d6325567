import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "./run.ts";

/**
 * Node's `parseArgs`. Its errors become `UsageError`s of one line. `command` is the name, such as
 * "split".
 */
export function parseCommandLine<T extends ParseArgsConfig>(
  command: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". ")[0]}. See npx video-split ${command} --help`, {
      cause: error,
    });
  }
}
