import { describe, expect, it, onTestFinished, vi } from "vitest";
import { BLOCK_SIZE } from "#events-schema";
import type { PlannedPacket } from "../../services/split/domain/cut-plan.ts";
import { PacketIndex } from "../../services/split/domain/packet-index.ts";
import type { SavedIndexes } from "../../services/split/ports/saved-indexes.ts";
import { NEVER } from "../fixtures/quiet.ts";

const FORTNIGHT_MS = 14 * 86_400_000;

export function indexOf(packets: readonly PlannedPacket[]): PacketIndex {
  const index = new PacketIndex();
  packets.forEach(index.add);
  return index;
}

const packetsOf = (index: PacketIndex): PlannedPacket[] =>
  [...index.packets()].map((packet, at) => ({ ...packet, description: index.description(at) }));

/** Out of order, hidden, without a duration, negative, hours apart, of two sample descriptions. */
const PACKETS: PlannedPacket[] = [
  { time: 0.08, duration: 0.04, key: true, shown: true, description: 0 },
  { time: -0.041708, duration: undefined, key: false, shown: false, description: 0 },
  { time: 1_700.033333, duration: 0.033367, key: false, shown: true, description: 1 },
  { time: 1_700.000001, duration: 0.000001, key: true, shown: true, description: 0 },
];

/** `open` opens the same saved indexes again and again, as invocations do. */
export function savedIndexesContract(name: string, open: () => Promise<() => SavedIndexes>): void {
  describe(`saved indexes: ${name}`, () => {
    it.each([true, false])("returns what was saved, to the last bit (truncated: %s)", async (truncated) => {
      const indexes = await open();
      const index = indexOf(PACKETS);
      index.addLoss(2);
      expect(await indexes().save(BLOCK_SIZE, { index, truncated }, NEVER)).toBe(true);
      const loaded = await indexes().load(BLOCK_SIZE, NEVER);
      expect(loaded?.index.losses).toEqual([2]);
      expect(loaded?.truncated).toBe(truncated);
      expect(packetsOf(loaded!.index)).toEqual(PACKETS);
    });

    it("knows nothing of another video", async () => {
      const indexes = await open();
      await indexes().save(BLOCK_SIZE, { index: indexOf(PACKETS), truncated: false }, NEVER);
      expect(await indexes().load(2 * BLOCK_SIZE, NEVER)).toBeUndefined();
    });

    it("doesn't save times that it can't restore exactly", async () => {
      const indexes = await open();
      const third = indexOf([{ time: 1 / 3, duration: 0.04, key: true }]);
      expect(await indexes().save(BLOCK_SIZE, { index: third, truncated: false }, NEVER)).toBe(false);
      expect(await indexes().load(BLOCK_SIZE, NEVER)).toBeUndefined();
    });

    it("keeps them for 14 days", async () => {
      const indexes = await open();
      vi.useFakeTimers({ toFake: ["Date"] });
      onTestFinished(() => void vi.useRealTimers());
      const now = Date.now();
      await indexes().save(BLOCK_SIZE, { index: indexOf(PACKETS), truncated: false }, NEVER);
      vi.setSystemTime(now + FORTNIGHT_MS - 60_000);
      expect(await indexes().load(BLOCK_SIZE, NEVER)).toBeDefined();
      vi.setSystemTime(now + FORTNIGHT_MS + 60_000);
      expect(await indexes().load(BLOCK_SIZE, NEVER)).toBeUndefined();
    });

    it("throws the reason of a signal that is aborted", async () => {
      const indexes = await open();
      const reason = new Error("time is up");
      await expect(indexes().load(BLOCK_SIZE, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
