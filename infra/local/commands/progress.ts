import type { WriteStream } from "node:tty";
import { parseEvent, SOURCE } from "#events-schema";
import type { BusEvent } from "../events/index.ts";

const BAR_WIDTH = 30;

const bar = (done: number, all: number): string => {
  const filled = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / Math.max(all, 1)));
  return `[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}] ${done}/${all} clips`;
};

export type Progress = {
  event(event: BusEvent): void;
  /** A line beside the progress. */
  line(text: string): void;
  end(): void;
};

/** Shows how a split goes on: a bar on a terminal, a line for each clip elsewhere. */
export function followProgress(stream: WriteStream | NodeJS.WritableStream): Progress {
  const terminal = "isTTY" in stream && stream.isTTY;
  let planned = 0;
  let created = 0;
  const line = (text: string) => void stream.write(`${terminal ? "\r\x1b[K" : ""}${text}\n`);
  const show = (text: string) => (terminal ? void stream.write(`\r\x1b[K${bar(created, planned)}`) : line(text));
  return {
    line,
    event: (event) => {
      if (event.source !== SOURCE) return;
      const { type, data } = parseEvent(event);
      if (type === "SplitPlanned") {
        planned = data.segment_count;
        show(`planned: ${data.segment_count} clips out of ${data.duration} s of video`);
      }
      if (type === "SegmentCreated") {
        created += 1;
        show(`clip ${created}/${planned}: ${data.key}`);
      }
    },
    end: () => {
      if (terminal && planned > 0) stream.write("\n");
    },
  };
}
