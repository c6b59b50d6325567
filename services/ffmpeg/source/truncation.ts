import { readElementHeader } from "../formats/matroska/ebml.ts";
import { ID } from "../formats/matroska/ids.ts";
import { topLevelEnd } from "./movie-box.ts";
import type { RangedSource } from "./ranged-source.ts";
import { hasSampleTable } from "./sample-table.ts";

/**
 * Detects truncated files by the length that a container states at its start. Transport streams,
 * FLV and Ogg state none: all of their packets count as complete.
 */

const HEAD_BYTES = 4_096;

/** The end of a Matroska file, as stated: EBML header, then one segment. RFC 9559, section 4.5. */
function matroskaEnd(head: Buffer): number | undefined {
  const header = readElementHeader(head, 0);
  if (header?.id !== ID.EBML || header.size === undefined) return undefined;
  const start = header.header + header.size;
  const segment = readElementHeader(head, start);
  if (segment?.id !== ID.Segment || segment.size === undefined) return undefined;
  return start + segment.header + segment.size;
}

/** The end of the first RIFF chunk, as stated. Live recorders leave 0 or all ones. */
function riffEnd(head: Buffer): number | undefined {
  if (head.length < 12 || head.toString("latin1", 0, 4) !== "RIFF") return undefined;
  const size = head.readUInt32LE(4);
  return size === 0 || size >= 0xfffffff0 ? undefined : size + 8;
}

async function headOf(source: RangedSource, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.read(0, Math.min(HEAD_BYTES, source.size) - 1, signal)) chunks.push(chunk);
  signal.throwIfAborted();
  return Buffer.concat(chunks);
}

/**
 * Whether the file ends before the end that its container states. `format`: the container, as
 * ffprobe names it.
 */
export async function isTruncated(source: RangedSource, format: string, signal: AbortSignal): Promise<boolean> {
  if (source.size === 0) return false;
  if (hasSampleTable(format)) return (await topLevelEnd(source, signal)) > source.size;
  const head = await headOf(source, signal);
  const end = format.includes("matroska") ? matroskaEnd(head) : format === "avi" ? riffEnd(head) : undefined;
  return end !== undefined && end > source.size;
}
