import { basename, join } from "node:path";
import { visible, writeLines, writeStyled } from "../../command-line/lines.ts";
import { table } from "../../command-line/table.ts";
import type { Arguments } from "./split-arguments.ts";
import type { SplitResult } from "./split-result.ts";

const clock = (seconds: number): string => {
  const minutes = Math.floor(seconds / 60);
  return `${String(minutes).padStart(2, "0")}:${(seconds - minutes * 60).toFixed(3).padStart(6, "0")}`;
};

function printForPeople({ video, segments }: SplitResult, out: string | undefined, stream: NodeJS.WritableStream) {
  if (video.status === "rejected") {
    writeStyled("red", stream, `Rejected: ${video.rejection.reason}`);
    writeLines(stream, video.rejection.message);
    return;
  }
  const head = ["segment", "start", "end", "frames", "bytes", out === undefined ? "key" : "file"];
  const rows = segments.map(({ segment_index, start, end, frames, bytes, key }) => [
    String(segment_index),
    clock(start),
    clock(end),
    String(frames),
    String(bytes),
    visible(out === undefined ? key : join(out, basename(key))),
  ]);
  const size = video.size?.join("x");
  const summary = `${video.name}: ${size}, ${video.fps} fps, ${video.duration} s, ${segments.length} segments (video ${video.VideoId})`;
  const [header = "", ...body] = table([head, ...rows]);
  writeLines(stream, summary, "");
  writeStyled("bold", stream, header);
  writeLines(stream, ...body);
  if (out === undefined) writeLines(stream, "The segments were removed with the stack. To keep them: --out DIR");
}

/** Prints the outcome: for a person, or with `--json` as one JSON object. */
export function printResult(result: SplitResult, { json, out }: Arguments, stream: NodeJS.WritableStream): void {
  if (json) writeLines(stream, ...JSON.stringify(result, undefined, 2).split("\n"));
  else printForPeople(result, out, stream);
}
