import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { SavedIndexes } from "../split/ports/saved-indexes.ts";
import { KEEP_SECONDS } from "./ledger.ts";
import { decodeIndex, encodeIndex } from "./packet-index-codec.ts";

/** DynamoDB: an item has at most 400 KB, its names included. */
const MAX_PART_BYTES = 350_000;

/**
 * An hour at 30 frames a second has some 100 KB. For a larger index, reading the source again is
 * cheaper.
 */
const MAX_PARTS = 24;

const Part = z.object({ bytes: z.instanceof(Uint8Array), parts: z.int().positive(), expiration: z.number() });

const keyOf = (videoId: number, part: number): { id: string } => ({ id: `index#${videoId}#${part}` });

const epochSeconds = (): number => Math.floor(Date.now() / 1_000);

/** Indexes in the ledger table, each in as many items as it needs. Throws the SDK's errors. */
export function dynamoSavedIndexes(client: DynamoDBDocumentClient, TableName: string): SavedIndexes {
  /** Throws the signal's reason, not the SDK's error for it. */
  async function unlessAborted<T>(signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await send();
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  return {
    save: async (videoId, scanned, abortSignal) => {
      const encoded = await encodeIndex(scanned);
      if (encoded === undefined) return false;
      const parts = Math.max(1, Math.ceil(encoded.length / MAX_PART_BYTES));
      if (parts > MAX_PARTS) return false;
      const expiration = epochSeconds() + KEEP_SECONDS;
      // The first item is written last: if it exists, all of them do.
      for (let part = parts - 1; part >= 0; part -= 1) {
        const bytes = encoded.subarray(part * MAX_PART_BYTES, (part + 1) * MAX_PART_BYTES);
        const Item = { ...keyOf(videoId, part), bytes, parts, expiration };
        await unlessAborted(abortSignal, () => client.send(new PutCommand({ TableName, Item }), { abortSignal }));
      }
      return true;
    },

    load: async (videoId, abortSignal) => {
      const found: Uint8Array[] = [];
      for (let part = 0, parts = 1; part < parts; part += 1) {
        const get = new GetCommand({ TableName, Key: keyOf(videoId, part), ConsistentRead: true });
        const { Item } = await unlessAborted(abortSignal, () => client.send(get, { abortSignal }));
        const { success, data } = Part.safeParse(Item);
        // DynamoDB removes what has expired within two days, and returns it until then.
        if (!success || data.expiration < epochSeconds()) return undefined;
        parts = data.parts;
        found.push(data.bytes);
      }
      // It may have been saved by another version of this code.
      return decodeIndex(Buffer.concat(found)).catch(() => undefined);
    },
  };
}
