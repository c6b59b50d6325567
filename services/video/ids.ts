import { BLOCK_SIZE, type EventType } from "#events-schema";

/** SHA-256 of a text. Handed in: the domain imports nothing but itself and the contract. */
export type Hash = (text: string) => Uint8Array;

/** Bits of a block's number. With the 14 bits of a block's ids they make the 53 of a safe integer. */
const BLOCK_BITS = 39n;

/**
 * The first id of a block for a source, by salt: a positive safe integer, a multiple of BLOCK_SIZE. Salt 0 is tried
 * first; a block that another source has claimed means the next salt.
 */
export function blockStart(identity: string, salt: number, hash: Hash): number {
  const digest = hash(JSON.stringify([identity, salt]));
  const first64 = new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0);
  const block = first64 >> (64n - BLOCK_BITS);
  // Block 0 would give the id 0, which isn't positive.
  return Number(block === 0n ? 1n : block) * BLOCK_SIZE;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A UUID (version 8: custom) out of a text, so that the same fact has the same id wherever and whenever it's told. */
function uuidOf(text: string, hash: Hash): string {
  const digest = hex(hash(text));
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `a${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}

/** The id of the event `type` about this source; `index` tells segments apart. */
export const eventId = (identity: string, type: EventType, index: number | undefined, hash: Hash): string =>
  uuidOf(JSON.stringify([identity, type, index ?? null]), hash);

/** The id that all events of one upload carry. */
export const correlationId = (identity: string, hash: Hash): string => uuidOf(JSON.stringify([identity]), hash);
