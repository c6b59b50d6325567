import {
  type ReconcilerDependencies,
  type ReconcilerSettings,
  type Reconciliation,
  reconcile,
} from "../../../services/reconciler/reconcile.ts";
import { type Source, sourceIdentity } from "../../../services/video/source.ts";
import { fakeDeadLetters } from "../../fakes/dead-letters.ts";
import { fakePublisher } from "../../fakes/event-publisher.ts";
import { fakeLedger, sha256 } from "../../fakes/ledger.ts";
import { fakeMediaStore } from "../../fakes/media-store.ts";
import { NEVER, quietLog } from "../../fixtures/quiet.ts";

export const HOUR = 3_600;
export const BUCKET = "uploads";
/** As long as Lambda lets the reconciler run. */
const RUN_SECONDS = 300;

export type Upload = {
  key: string;
  /** Epoch seconds. */
  uploadedAt: number;
};

export type ReconcilerSetup = {
  isVersioned: boolean;
  pageSize: number;
  settings: Partial<ReconcilerSettings>;
  /** When the ledger was created, in hours. */
  deployedAt: number;
  objects: Upload[];
  /** User metadata by key. */
  metadata: Record<string, Record<string, string>>;
  /** Keys that are deleted once they are listed. */
  gone: string[];
  /** Keys that the split function never saw. */
  unseen: string[];
  /** Whether an upload was split. */
  isSplit: (key: string) => boolean;
  /** What S3 answers for keys that can't be described. */
  failing: Record<string, Error>;
  /** Takes as long as looking up whether an upload has ended does. */
  onLookUp: (identity: string) => Promise<void> | void;
  /** Called with the number of a LIST call of this test, from 1, when it was answered. */
  onPage: (listCalls: number) => Promise<void> | void;
  /** Called before the progress is saved. */
  onSave: () => void;
};

const CALM: ReconcilerSetup = {
  isVersioned: false,
  pageSize: 2,
  settings: {},
  deployedAt: 0,
  objects: [],
  metadata: {},
  gone: [],
  unseen: [],
  isSplit: () => false,
  failing: {},
  onLookUp: () => {},
  onPage: () => {},
  onSave: () => {},
};

/** A run that is killed: what it does after that has no effect, and it releases nothing. */
export class KilledError extends Error {
  override name = "KilledError";
}

/**
 * The reconciler beside a bucket and a ledger in memory. `at` runs it at an hour, `kill` ends that
 * run's process.
 */
export async function openReconciler(changes: Partial<ReconcilerSetup> = {}) {
  const setup: ReconcilerSetup = { ...CALM, ...changes };
  const { store, uploads, put, remove } = fakeMediaStore(setup);
  const ledger = fakeLedger();
  const publisher = fakePublisher();
  const queue = fakeDeadLetters();
  const { events } = publisher;
  const endings: [number, string][] = [];
  const sources = new Map<string, Source>();
  const calls = { list: 0, lookUps: 0, requestsRead: 0, saves: 0 };
  for (const { key, uploadedAt } of setup.objects) {
    const source = put(BUCKET, key, Buffer.from("7 bytes"), { uploadedAt, metadata: setup.metadata[key] ?? {} });
    sources.set(key, source);
    if (setup.unseen.includes(key)) continue;
    const videoId = await ledger.claimBlock(sourceIdentity(source));
    if (setup.isSplit(key)) await ledger.recordEnding(videoId, "split");
  }
  let hour = 0;
  let runs = 0;
  let killed = 0;
  const dependenciesOf = (run: number): ReconcilerDependencies => {
    const dieIfKilled = () => {
      if (run <= killed) throw new KilledError("Killed");
    };
    return {
      uploads: {
        async *list(bucket, prefix, place, signal) {
          for await (const page of uploads.list(bucket, prefix, place, signal)) {
            calls.list += 1;
            for (const key of setup.gone) remove(bucket, key);
            await setup.onPage(calls.list);
            dieIfKilled();
            yield page;
          }
        },
      },
      store: {
        describe: async (bucket, key, versionId, signal) => {
          if (setup.failing[key] !== undefined) throw setup.failing[key];
          return store.describe(bucket, key, versionId, signal);
        },
      },
      ledger: {
        ...ledger,
        createdAt: async () => setup.deployedAt * HOUR,
        stateOf: async (identity) => {
          calls.lookUps += 1;
          await setup.onLookUp(identity);
          return ledger.stateOf(identity);
        },
        requestsFor: async (identity) => {
          calls.requestsRead += 1;
          return ledger.requestsFor(identity);
        },
        saveProgress: async (owner, progress) => {
          setup.onSave();
          dieIfKilled();
          calls.saves += 1;
          return ledger.saveProgress(owner, progress);
        },
        releaseLease: async (owner) => {
          dieIfKilled();
          return ledger.releaseLease(owner);
        },
        recordEnding: async (videoId, ending) => {
          await ledger.recordEnding(videoId, ending);
          endings.push([videoId, ending]);
        },
      },
      publisher,
      deadLetters: queue.deadLetters,
      log: quietLog,
      hash: sha256,
      now: () => Math.floor(hour * HOUR),
      settings: {
        bucket: BUCKET,
        isAttached: false,
        keyPrefix: "uploads/",
        acceptedExtensions: ["mp4"],
        graceSeconds: HOUR,
        eventSeconds: 6 * HOUR,
        ...setup.settings,
      },
    };
  };
  const at = (now: number, signal: AbortSignal = NEVER): Promise<Reconciliation> => {
    hour = now;
    runs += 1;
    return reconcile(dependenciesOf(runs), { owner: `run ${runs}`, seconds: RUN_SECONDS }, signal);
  };
  const kill = () => {
    killed = runs;
  };
  return {
    setup,
    at,
    kill,
    calls,
    events,
    endings,
    sources,
    ledger,
    queue,
    types: () => events.map(({ type }) => type),
  };
}
