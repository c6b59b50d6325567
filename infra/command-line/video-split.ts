#!/usr/bin/env node
import { COMMANDS } from "./commands.ts";
import { run, UsageError } from "./run.ts";

/** Distance from which a name isn't a misspelling any more, in characters. */
const MAX_MISSPELT = 3;

async function unknownCommand(name: string): Promise<UsageError> {
  const { closest, distance } = await import("fastest-levenshtein");
  const nearest = closest(name, [...COMMANDS.keys()]);
  const hint = distance(name, nearest) <= MAX_MISSPELT ? `Did you mean ${nearest}? ` : "";
  return new UsageError(`There is no command "${name}". ${hint}See npx video-split --help`, { exitCode: 2 });
}

async function main(stopping: AbortSignal): Promise<number> {
  const [name = "--help", ...args] = process.argv.slice(2);
  if (["--help", "-h", "help"].includes(name)) {
    const { overview } = await import("./overview.ts");
    process.stdout.write(overview(process.stdout));
    return 0;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) throw await unknownCommand(name);
  const { main } = await command.load();
  return main(args, stopping);
}

await run(main);
