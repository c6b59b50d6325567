import { topLevelEnd } from "../formats/iso-boxes.ts";
import type { RangedSource } from "../formats/ranged-source.ts";
import { hasSampleTable } from "./sample-table.ts";

/**
 * Containers that say at their start how long they are: a file that ends before was cut off on its way. Transport
 * streams, FLV and Ogg don't say; of them every packet that is there is all there is.
 */

const HEAD_BYTES = 4_096;

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;

/** A Matroska number: its length is in the leading zeros of its first byte. Undefined where all bits are set: unknown. */
function vint(head: Buffer, at: number): { value: number | undefined; length: number } {
  const length = Math.clz32(head[at] ?? 0) - 23;
  if (length > 8 || at + length > head.length) return { value: undefined, length };
  let value = head[at]! & (0xff >> length);
  let unknown = value === 0xff >> length;
  for (let byte = 1; byte < length; byte += 1) {
    value = value * 256 + head[at + byte]!;
    unknown &&= head[at + byte] === 0xff;
  }
  return { value: unknown ? undefined : value, length };
}

/** Where a Matroska file says that it ends: the EBML header, then one segment. RFC 9559, section 4.5. */
function matroskaEnd(head: Buffer): number | undefined {
  if (head.length < 12 || head.readUInt32BE(0) !== EBML) return undefined;
  const header = vint(head, 4);
  const segment = 4 + header.length + (header.value ?? head.length);
  if (segment + 12 > head.length || head.readUInt32BE(segment) !== SEGMENT) return undefined;
  const size = vint(head, segment + 4);
  return size.value === undefined ? undefined : segment + 4 + size.length + size.value;
}

/** Where the first RIFF chunk says that it ends. Live writers leave 0 or all ones. */
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

/** Whether the file ends before its own container says it does. `format` is ffprobe's name of the container. */
export async function isTruncated(source: RangedSource, format: string, signal: AbortSignal): Promise<boolean> {
  if (source.size === 0) return false;
  if (hasSampleTable(format)) return (await topLevelEnd(source, signal)) > source.size;
  const head = await headOf(source, signal);
  const end = format.includes("matroska") ? matroskaEnd(head) : format === "avi" ? riffEnd(head) : undefined;
  return end !== undefined && end > source.size;
}
