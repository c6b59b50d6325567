import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { type Beginning, type Cutting, cutAt } from "./cut.ts";
import { type Decoded, type Decoder, UNKNOWN_HASH } from "./decoders.ts";
import { belowPromise, intervalsOf, type Judgement, judge, least, newMessages } from "./judge.ts";
import { type Measured, measure, type Place, placesIn } from "./measure.ts";

/** A boundary, or a segment whose beginning isn't one, and what was found in its segment. */
export type Boundary = Beginning & Judgement & { seconds: number };

/** Which of the further decoders were used for a file. */
export type DecoderUse = { name: string; use: "compared" | "unsupported" | "differs on the source" };

export type FileReport = {
  path: string;
  codec: string;
  boundaries: Boundary[];
  /** Faults of segments that don't begin with a boundary: the first ones of a video. */
  faults: string[];
  decoders: DecoderUse[];
  /** Why nothing was cut; "" where something was. */
  skipped: string;
};

export type Sweep = {
  /** Whether files of other codecs are skipped. */
  onlyH264: boolean;
  /** Boundaries to try. */
  count: number;
  random: () => number;
  decoders: readonly Decoder[];
  folder: string;
  /** Called with segments before they're removed. */
  onSegments?: (source: Measured, boundaries: readonly Boundary[]) => Promise<void>;
  stopping: AbortSignal;
};

/** Segments that are decoded concurrently. */
const MAX_CONCURRENT = 2;

/** Splits of one file: in a short one, the same boundaries come again. */
const MAX_SPLITS = 20;

/** Shorter requests are refused. */
const MIN_SECONDS = 0.5;

/** How far apart boundaries are, of the distance of keyframes: most segments have a keyframe. */
const SPREAD = { least: 1.05, most: 1.9 };

function drawnLength({ frames }: Measured, random: () => number): number {
  const duration = frames.at(-1)!.time - frames[0]!.time;
  const keys = frames.filter(({ isKey }) => isKey).length;
  const between = SPREAD.least + (SPREAD.most - SPREAD.least) * random();
  const wanted = keys > 1 ? (duration / keys) * between : (duration / 4) * (0.5 + random());
  return Number(Math.max(MIN_SECONDS, Math.min(wanted, (duration / 2) * (0.6 + random()))).toFixed(3));
}

/** The decoders that decode a source as the measuring one does, with what they say about it. */
async function usableDecoders(source: Measured, decoders: readonly Decoder[]) {
  const inOrder = source.video.frames.toSorted((one, other) => one.ordinal - other.ordinal).map(({ hash }) => hash);
  const uses: DecoderUse[] = [];
  const usable: { decoder: Decoder; own: Decoded }[] = [];
  for (const decoder of decoders) {
    const own = await decoder.decode(source);
    const isSame = own !== undefined && sameHashes(own.hashes, inOrder);
    uses.push({
      name: decoder.name,
      use: own === undefined ? "unsupported" : isSame ? "compared" : "differs on the source",
    });
    if (isSame) usable.push({ decoder, own });
  }
  return { uses, usable };
}

const sameHashes = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((hash, at) => hash === other[at] || hash === UNKNOWN_HASH);

type Decoding = Awaited<ReturnType<typeof usableDecoders>>["usable"];

/** What the decoders find in a segment. */
async function decoderFaults(segment: Measured, source: Measured, decoding: Decoding): Promise<string[]> {
  const faults = newMessages(segment.video.messages, source.video.messages).map((text) => `the decoder says: ${text}`);
  const inOrder = segment.video.frames.toSorted((one, other) => one.ordinal - other.ordinal).map(({ hash }) => hash);
  for (const { decoder, own } of decoding) {
    const decoded = await decoder.decode(segment);
    if (decoded === undefined) continue;
    if (!sameHashes(decoded.hashes, inOrder)) {
      const different = inOrder.filter((hash, at) => ![hash, UNKNOWN_HASH].includes(decoded.hashes[at] ?? "")).length;
      const counts = `${different} of ${inOrder.length} frames differ, ${decoded.hashes.length} are decoded`;
      faults.push(`${decoder.name} decodes otherwise: ${counts}`);
    }
    for (const text of newMessages(decoded.messages, own.messages)) faults.push(`${decoder.name} says: ${text}`);
  }
  return faults;
}

/** Cuts a range of segments, and judges each one. */
async function tryCut(source: Measured, cutting: Cutting, decoding: Decoding, folder: string): Promise<Boundary[]> {
  await mkdir(folder, { recursive: true });
  const intervals = intervalsOf(source.frames, cutting.seconds);
  const made = await cutAt(source.path, cutting, folder);
  const limit = pLimit(MAX_CONCURRENT);
  let place: Promise<Place[]> | undefined;
  const measured = await Promise.all(
    made.map((beginning) =>
      limit(async () => {
        place ??= placesIn(beginning.path);
        const segment = await measure(beginning.path, (await place)[0]!);
        return { segment, faults: await decoderFaults(segment, source, decoding) };
      }),
    ),
  );
  const judged = await judge(
    source,
    made.map(({ index, way }, at) => ({
      ...{ index, interval: intervals[index]!, measured: measured[at]!.segment, isEncoded: way === "encoded" },
    })),
  );
  return made.map((beginning, at) => {
    const { faults, ...figures } = judged[at]!;
    return { ...beginning, ...figures, seconds: cutting.seconds, faults: [...faults, ...measured[at]!.faults] };
  });
}

/**
 * A frame of an anchored boundary below what is promised is a fault, unless encoding all frames up to
 * the keyframe gives no more.
 */
async function checkQuality(boundary: Boundary, source: Measured, folder: string): Promise<void> {
  const below = belowPromise(boundary.decibels);
  if (below === 0 || boundary.way !== "anchored") return;
  const found = `${below} of ${boundary.decibels.length} frames below 45 dB, the least ${least(boundary.decibels).toFixed(1)}`;
  const { index, seconds } = boundary;
  const cutting = { seconds, from: index, last: index, boundary: "encoded" } as const;
  const [stitched] = await tryCut(source, cutting, [], join(folder, "stitched"));
  const other = least(stitched?.decibels ?? []);
  if (other > least(boundary.decibels)) boundary.faults.push(`${found}; ${other.toFixed(1)} if stitched`);
}

/** Tries random boundaries in one file. */
export async function sweepFile(path: string, sweep: Sweep): Promise<FileReport> {
  const report: FileReport = { path, codec: "", boundaries: [], faults: [], decoders: [], skipped: "" };
  const [place] = await placesIn(path);
  if (place === undefined) return { ...report, skipped: "no video" };
  report.codec = place.stream.codec_name ?? "";
  if (sweep.onlyH264 && report.codec !== "h264") return { ...report, skipped: report.codec };
  try {
    return await sweepTrack(path, place, sweep, report);
  } catch (error) {
    sweep.stopping.throwIfAborted();
    report.faults.push(`failed: ${String(error)}`);
    return report;
  }
}

async function sweepTrack(path: string, place: Place, sweep: Sweep, report: FileReport): Promise<FileReport> {
  const { count, random, decoders, folder, stopping, onSegments } = sweep;
  const source = await measure(path, place);
  if (source.frames.length < 3) return { ...report, skipped: "fewer than 3 frames decode" };
  const { uses, usable } = await usableDecoders(source, decoders);
  report.decoders = uses;
  const known = new Set<number>();
  for (let split = 0; split < MAX_SPLITS && report.boundaries.length < count; split += 1) {
    stopping.throwIfAborted();
    const seconds = drawnLength(source, random);
    const intervals = intervalsOf(source.frames, seconds);
    const usableCount = intervals.length - 1;
    const take = Math.min(usableCount, count - report.boundaries.length);
    const from = 1 + Math.floor(random() * (usableCount - take + 1));
    const last = from + take - 1;
    const isNew = intervals.slice(from, last + 1).some((interval) => !known.has(interval.from));
    if (take <= 0 || !isNew) continue;
    const segments = join(folder, `split-${split}`);
    // The segment before has a tail in the same group of pictures.
    const cutting = { seconds, from: from - 1, last, boundary: "anchored" } as const;
    const found = await tryCut(source, cutting, usable, segments);
    for (const boundary of found) await checkQuality(boundary, source, segments);
    await onSegments?.(source, found);
    const [before, ...own] = found;
    if (before !== undefined)
      report.faults.push(...before.faults.map((fault) => `segment ${before.index} of ${seconds} s: ${fault}`));
    for (const boundary of own) {
      const frame = intervals[boundary.index]!.from;
      if (known.has(frame)) report.faults.push(...boundary.faults);
      else report.boundaries.push(boundary);
      known.add(frame);
    }
    if (own.length !== take) report.faults.push(`${own.length + 1} segments instead of ${take + 1}`);
    await rm(segments, { recursive: true, force: true });
  }
  return report;
}
