import { COMMAND_GROUPS, COMMANDS } from "./commands.ts";
import { styled } from "./lines.ts";

const USAGE = `npx video-split COMMAND [options]

Splits videos, and runs and operates the service that does.
"npx video-split COMMAND --help" has a command's options.`;

const EXIT_CODES = `  0    done
  1    failed: the last line on standard error says why
  2    no such command; split: the video was rejected; dead-letters: dead letters are left
  130  interrupted with Ctrl-C`;

const WIDTH = Math.max(...[...COMMANDS.keys()].map((name) => name.length));

/** The help that lists all commands, for a stream that may be a terminal. */
export function overview(stream: NodeJS.WritableStream): string {
  const title = (text: string): string => styled("bold", text, stream);
  const groups = Object.entries(COMMAND_GROUPS).map(([name, commands]) => {
    const lines = Object.entries(commands).flatMap(([command, { summary, example }]) => [
      `  ${command.padEnd(WIDTH)}  ${summary}`,
      `  ${" ".repeat(WIDTH)}  ${styled("dim", `npx video-split ${command} ${example}`.trimEnd(), stream)}`,
    ]);
    return [title(name), ...lines].join("\n");
  });
  return `${[USAGE, ...groups, `${title("Exit codes")}\n${EXIT_CODES}`].join("\n\n")}\n`;
}
