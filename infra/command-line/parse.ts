import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "./run.ts";

/** Node's `parseArgs`, whose complaints become a line with where to look. `command` is what is typed, such as "npm start". */
export function parseCommandLine<T extends ParseArgsConfig>(
  command: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". ")[0]}. See ${command} -- --help`, { cause: error });
  }
}
