import type { ExactCut, MadeSegment } from "../../split/ports/media-tools.ts";
import { type CopiedCut, cutByCopy } from "../copy/cut-by-copy.ts";

type Copying = Omit<CopiedCut, "segments" | "losses" | "from" | "seek" | "mustDecode"> & { cut: ExactCut };

/**
 * Copies the packets of consecutive segments in which nothing can be decoded. Yields a segment for
 * each. A few packets at a segment's ends are left out where those of its neighbours are among them.
 */
export function copyAsIs(job: Copying, from: number, end: number): AsyncGenerator<MadeSegment> {
  const { plan, index } = job.cut;
  const segments = plan.segments.map(({ start }) => ({ firstFrame: 0, frames: 0, firstFrameTime: start }));
  // The reading begins with the first packet.
  segments[0]!.firstFrameTime = index.time(0) - plan.origin;
  let next = 0;
  for (let segment = from; segment < end; segment += 1) {
    const packets = packetsOf(job.cut, segment);
    const firstFrame = segment === 0 ? 0 : Math.max(next, packets.from);
    next = packets.to;
    segments[segment] = { ...segments[segment]!, firstFrame, frames: packets.to - firstFrame };
  }
  // What is before and behind them is read too.
  if (from > 0) segments[0]!.frames = segments[from]!.firstFrame;
  if (end < segments.length) segments[end] = { ...segments[end]!, firstFrame: next, frames: index.count - next };
  const copying = { ...job, segments, losses: index.losses, from, seek: undefined };
  return cutByCopy({ ...copying, mustDecode: false, mayBeUndecodable: true });
}

/**
 * The packets of a segment that are consecutive, from one that is shown before all others; `from`
 * included and `to` not.
 */
function packetsOf({ plan, index }: ExactCut, segment: number): { from: number; to: number } {
  const { start, end } = plan.segments[segment]!;
  const timeOf = (packet: number) => index.time(packet) - plan.origin;
  const isOwn = (packet: number) =>
    index.isShown(packet) && timeOf(packet) >= start - SAME_SECONDS && timeOf(packet) < end - SAME_SECONDS;
  let from = 0;
  while (from < index.count && !isOwn(from)) from += 1;
  // Those that follow it in the file are shown later.
  for (let packet = from + 1; packet < Math.min(index.count, from + MAX_REORDERED); packet += 1)
    if (timeOf(packet) < timeOf(from)) from = packet;
  while (from < index.count && !isOwn(from)) from += 1;
  let to = from;
  while (to < index.count && isOwn(to)) to += 1;
  return { from, to };
}

/** Neighbours' packets are among a segment's own no farther than this from its ends. */
const MAX_REORDERED = 64;

/** Times are rounded to microseconds. */
const SAME_SECONDS = 2e-6;
