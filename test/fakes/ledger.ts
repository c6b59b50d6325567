import { createHash } from "node:crypto";
import type { Cost } from "#events-schema";
import type { Progress } from "../../services/reconciler/domain/passes.ts";
import type { UploadLedger } from "../../services/reconciler/ports/upload-ledger.ts";
import type {
  CutChoice,
  DeliveredSegment,
  FinishedRange,
  Ledger,
  PlannedRanges,
  RecordedRanges,
} from "../../services/split/ports/ledger.ts";
import { LeaseLostError } from "../../services/video/errors.ts";
import { blockStart, type Hash } from "../../services/video/ids.ts";
import type { Ending } from "../../services/video/ports/video-ledger.ts";
import { NO_USAGE, type Usage } from "../../services/video/usage.ts";

const MAX_SALTS = 64;
const REMEMBER_MS = 14 * 86_400_000;

export const sha256: Hash = (text) => createHash("sha256").update(text).digest();

/** A hash by which every source lands on block 1 at salt 0, on block 2 at salt 1, and so on. */
export const colliding: Hash = (text) => {
  const [, salt = 0] = JSON.parse(text) as [string, number?];
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(salt + 1) << 25n);
  return bytes;
};

type Recorded = { segment: DeliveredSegment; expiresAt: number };

/**
 * The ledger in memory: what the split service and the reconciler record about the same uploads.
 */
export function fakeLedger(hash: Hash = sha256): Ledger & UploadLedger {
  const owners = new Map<number, string>();
  const choices = new Map<number, CutChoice>();
  const endings = new Map<number, Ending>();
  const progressed = new Map<number, number>();
  const used = new Map<number, Usage>();
  const costs = new Map<number, Cost>();
  const segments = new Map<string, Recorded>();
  const ranged = new Map<number, PlannedRanges & { finished: Map<number, FinishedRange> }>();
  const requests = new Map<string, { requests: number; lastRequestAt: number }>();
  const createdAt = Math.floor(Date.now() / 1_000);
  let lease: { owner: string; until: number } | undefined;
  let progress: Progress = {};

  const blockOf = (identity: string): number | undefined => {
    for (let salt = 0; salt < MAX_SALTS; salt += 1) {
      const videoId = blockStart(identity, salt, hash);
      const owner = owners.get(videoId);
      if (owner === undefined || owner === identity) return videoId;
    }
    return undefined;
  };

  return {
    claimBlock: async (identity) => {
      const videoId = blockOf(identity);
      if (videoId === undefined) throw new Error("No free block of ids");
      owners.set(videoId, identity);
      return videoId;
    },
    choose: async (videoId, choice) => {
      const isFirst = !choices.has(videoId);
      if (isFirst) choices.set(videoId, structuredClone(choice));
      return { choice: structuredClone(choices.get(videoId)!), isFirst };
    },
    recall: async (videoId) => ({
      choice: structuredClone(choices.get(videoId)),
      isSplit: endings.get(videoId) === "split",
      ranges: structuredClone(ranged.get(videoId)),
    }),
    release: async (videoId) => void choices.delete(videoId),
    recordEnding: async (videoId, ending) => {
      if (endings.get(videoId) !== "split") endings.set(videoId, ending);
    },
    recordProgress: async (videoId, at) => void progressed.set(videoId, at),
    recordUsage: async (videoId, usage) => {
      const sum = { ...(used.get(videoId) ?? NO_USAGE) };
      for (const [field, value] of Object.entries(usage) as [keyof Usage, number][]) sum[field] += value;
      used.set(videoId, sum);
      return { ...sum };
    },
    recordCost: async (videoId, cost) => {
      if (!costs.has(videoId)) costs.set(videoId, { ...cost });
      return { ...costs.get(videoId)! };
    },
    planRanges: async (videoId, planned) => {
      if (!ranged.has(videoId)) ranged.set(videoId, { ...structuredClone(planned), finished: new Map() });
      return structuredClone(ranged.get(videoId)!);
    },
    finishRange: async (videoId, last, finished): Promise<RecordedRanges> => {
      const recorded = ranged.get(videoId);
      if (recorded === undefined) throw new Error("No ranges are recorded");
      recorded.finished.set(last, finished);
      return structuredClone(recorded);
    },
    delivered: async (videoId, { first, last }, signal) => {
      signal?.throwIfAborted();
      const found = new Map<number, DeliveredSegment>();
      for (let index = first; index <= last; index += 1) {
        const recorded = segments.get(`${videoId}#${index}`);
        if (recorded !== undefined && recorded.expiresAt > Date.now()) {
          found.set(index, structuredClone(recorded.segment));
        }
      }
      return found;
    },
    recordSegment: async (videoId, index, segment) => {
      segments.set(`${videoId}#${index}`, { segment: structuredClone(segment), expiresAt: Date.now() + REMEMBER_MS });
    },

    createdAt: async () => createdAt,
    takeLease: async ({ owner, seconds }, now) => {
      if (lease !== undefined && lease.owner !== owner && lease.until > now) return undefined;
      lease = { owner, until: now + seconds };
      return structuredClone(progress);
    },
    saveProgress: async (owner, reached) => {
      if (lease?.owner !== owner) throw new LeaseLostError("Another run took over");
      progress = structuredClone(reached);
    },
    releaseLease: async (owner) => {
      if (lease?.owner === owner) lease = undefined;
    },
    stateOf: async (identity) => {
      const videoId = blockOf(identity);
      if (videoId === undefined || owners.get(videoId) !== identity) return "unknown";
      return endings.get(videoId) ?? "begun";
    },
    progressOf: async (identity) => progressed.get(blockOf(identity) ?? -1),
    requestsFor: async (identity) => requests.get(identity) ?? { requests: 0, lastRequestAt: undefined },
    countRequest: async (identity, request, now) => {
      if (request > (requests.get(identity)?.requests ?? 0))
        requests.set(identity, { requests: request, lastRequestAt: now });
    },
  };
}
