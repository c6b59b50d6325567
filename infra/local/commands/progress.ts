import type { WriteStream } from "node:tty";
import { parseEvent, SOURCE } from "#events-schema";
import { visible } from "../../command-line/lines.ts";
import type { BusEvent } from "../../emulator/events/index.ts";

const BAR_WIDTH = 30;

const bar = (done: number, all: number): string => {
  const filled = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / Math.max(all, 1)));
  return `[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}] ${done}/${all} segments`;
};

export type Progress = {
  event(event: BusEvent): void;
  /** Counts the events of an earlier run, which was killed. */
  resume(events: readonly BusEvent[]): void;
  /** Prints a line. */
  line(text: string): void;
  end(): void;
};

/** Shows the progress of a split: a bar on a terminal, otherwise a line for each segment. */
export function followProgress(stream: WriteStream | NodeJS.WritableStream): Progress {
  const terminal = "isTTY" in stream && stream.isTTY;
  let planned = 0;
  let created = 0;
  /** Ids of events: after a crash an event may be announced again. */
  const counted = new Set<string>();
  const line = (text: string) => void stream.write(`${terminal ? "\r\x1b[K" : ""}${visible(text)}\n`);
  const show = (text: string) => (terminal ? void stream.write(`\r\x1b[K${bar(created, planned)}`) : line(text));
  /** The line to show; undefined for none. */
  const count = (event: BusEvent): string | undefined => {
    if (event.source !== SOURCE) return undefined;
    const { type, data, metadata } = parseEvent(event);
    if (counted.has(metadata.eventId)) return undefined;
    counted.add(metadata.eventId);
    if (type === "SplitPlanned") {
      planned = data.segment_count;
      return `planned: ${data.segment_count} segments of a video of ${data.duration} s`;
    }
    if (type !== "SegmentCreated") return undefined;
    created += 1;
    return `segment ${created}/${planned}: ${data.key}`;
  };
  return {
    line,
    event: (event) => {
      const text = count(event);
      if (text !== undefined) show(text);
    },
    resume: (events) => {
      for (const event of events) count(event);
      line(`Continuing a run that was killed: ${created} of ${planned} segments exist`);
    },
    end: () => {
      if (terminal && planned > 0) stream.write("\n");
    },
  };
}
