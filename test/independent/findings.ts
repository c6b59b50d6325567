import type { Alignment } from "./alignment.ts";
import type { Segment } from "./segment.ts";
import type { Source } from "./source.ts";
import type { Frame } from "./video.ts";

/** A difference as text; `segment`: the segment concerned, if any. */
export type Finding = { segment?: number; text: string };

/** "0, 2-5" */
function listed(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(", ");
}

/** Merges findings about the same field into one line, with the first text and the segments. */
export function grouped(findings: readonly Finding[], segments: number): string[] {
  const groups = Map.groupBy(findings, ({ segment, text }) => (segment === undefined ? text : text.split(":")[0]!));
  return [...groups.values()].map((group) => {
    const [{ text, segment }] = group as [Finding];
    if (segment === undefined) return text;
    const numbers = [...new Set(group.flatMap((one) => one.segment ?? []))];
    return numbers.length === segments
      ? `${text} (all segments)`
      : `${text} (segments ${listed(numbers)} of ${segments})`;
  });
}

/** Defaults of players for missing values. */
const known = (trait: string, value: string | undefined): string =>
  trait === "range" && (value === undefined || value === "unknown") ? "tv" : (value ?? "unknown");

/**
 * Differences between decoded frames and the source's at their time, except pixels, with their
 * number.
 */
export function frameDifferences(source: readonly Frame[], segments: readonly Segment[], { placements }: Alignment) {
  const counts = new Map<string, number>();
  const count = (text: string): void => void counts.set(text, (counts.get(text) ?? 0) + 1);
  segments.forEach(({ video, event }, segment) => {
    const isCopied = event.made === "copied";
    video.frames.forEach((mine, at) => {
      const pair = placements[segment]!.pairs[at]!;
      if (pair === -1) return;
      const theirs = source[pair]!;
      if (theirs.pixelFormat !== mine.pixelFormat)
        count(`pixel format: ${theirs.pixelFormat} became ${mine.pixelFormat}`);
      const [was, is] = [theirs.size.join("x"), mine.size.join("x")];
      if (was !== is) count(`size: ${was} became ${is}`);
      for (const [trait, value] of Object.entries(theirs.traits)) {
        const [before, after] = [known(trait, value), known(trait, mine.traits[trait])];
        if (before !== after) count(`${trait}: ${before} became ${after}`);
      }
      // The Dolby Vision layer belongs to the original encoding.
      const kept = isCopied ? theirs.sideData : theirs.sideData.filter((name) => !name.startsWith("Dolby Vision"));
      for (const name of kept) if (!mine.sideData.includes(name)) count(`${name}: lost`);
    });
  });
  return [...counts].map(([text, frames]) => `frame's ${text} on ${frames} frames`);
}

/** Decoder messages that the source doesn't cause. */
export function newDecoderMessages(source: Source, segments: readonly Segment[]): string[] {
  const usual = new Set([
    ...source.shown!.video.messages.keys(),
    ...source.audios.flatMap(({ audio }) => [...audio.messages.keys()]),
  ]);
  const fresh = new Map<string, { times: number; segments: Set<Segment> }>();
  for (const segment of segments) {
    for (const { messages } of [segment.video, ...segment.audios]) {
      for (const [text, times] of messages) {
        if (usual.has(text)) continue;
        const one = fresh.get(text) ?? { times: 0, segments: new Set() };
        one.times += times;
        one.segments.add(segment);
        fresh.set(text, one);
      }
    }
  }
  const messages = [...fresh].sort(([, one], [, other]) => other.times - one.times);
  const [most] = messages;
  if (most === undefined) return [];
  const times = messages.reduce((sum, [, one]) => sum + one.times, 0);
  const where = new Set(messages.flatMap(([, one]) => [...one.segments])).size;
  return [`the decoder reports ${times} errors in ${where} of ${segments.length} segments, most often "${most[0]}"`];
}
