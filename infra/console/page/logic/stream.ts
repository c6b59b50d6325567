import type { Message } from "../../api/types.ts";

/** Reads server-sent events out of chunks of text: returns the messages that a chunk completes. */
export function streamReader(): (chunk: string) => Message[] {
  let rest = "";
  return (chunk) => {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      const data = block.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []));
      return data.length === 0 ? [] : [JSON.parse(data.join("\n")) as Message];
    });
  };
}
