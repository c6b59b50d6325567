import { fakeDeadLetters } from "../../fakes/dead-letters.ts";
import { fakePublisher } from "../../fakes/event-publisher.ts";
import { fakeLedger } from "../../fakes/ledger.ts";
import { fakeLog } from "../../fakes/log.ts";
import { fakeMediaStore } from "../../fakes/media-store.ts";
import { fakeOnce } from "../../fakes/once.ts";
import { fakeSavedIndexes } from "../../fakes/saved-indexes.ts";
import { fakeSegmentStore } from "../../fakes/segment-store.ts";
import { fakeVideoDocuments } from "../../fakes/video-documents.ts";
import type { OpenBucketOf } from "../../ports/bucket.ts";
import { deadLettersContract } from "../../ports/dead-letters.suite.ts";
import { eventPublisherContract } from "../../ports/event-publisher.suite.ts";
import { ledgerContracts, type OpenLedger } from "../../ports/ledger.suite.ts";
import { logContract } from "../../ports/log.suite.ts";
import { mediaStoreContract } from "../../ports/media-store.suite.ts";
import { onceContract } from "../../ports/once.suite.ts";
import { savedIndexesContract } from "../../ports/saved-indexes.suite.ts";
import { segmentStoreContract } from "../../ports/segment-store.suite.ts";
import { storedObjectsContract } from "../../ports/stored-objects.suite.ts";
import { uploadLedgerContract } from "../../ports/upload-ledger.suite.ts";
import { uploadsContract } from "../../ports/uploads.suite.ts";
import { videoDocumentsContract } from "../../ports/video-documents.suite.ts";

/** The fakes of the unit tests meet the same contracts as the adapters. */

const FAKE = "the fake of the unit tests";
const MINUTE_MS = 60_000;

const openBucket: OpenBucketOf = async (kind) => {
  const { store, uploads, put, remove, forbid } = fakeMediaStore(kind);
  const bucket = "media";
  return {
    bucket,
    store,
    uploads,
    put: async (key, content, options) => void put(bucket, key, Buffer.from(content), options),
    remove: async (key) => remove(bucket, key),
    forbid: (key) => forbid(bucket, key),
  };
};

storedObjectsContract(FAKE, openBucket);
mediaStoreContract(FAKE, openBucket, 300_001);
uploadsContract(FAKE, openBucket);

segmentStoreContract(FAKE, async () => {
  const { store, put, remove, forbid } = fakeSegmentStore();
  const bucket = "media";
  return {
    bucket,
    store,
    put: async (key, content) => void put(bucket, key, Buffer.from(content)),
    remove: async (key) => remove(bucket, key),
    forbid: (key) => forbid(bucket, key),
  };
});

deadLettersContract(FAKE, async () => fakeDeadLetters());

eventPublisherContract(FAKE, async () => {
  const publisher = fakePublisher();
  return { publisher, received: async () => publisher.events };
});

const openLedger: OpenLedger = async () => {
  let opened: ReturnType<typeof fakeLedger> | undefined;
  return (hash) => {
    opened ??= fakeLedger(hash);
    return opened;
  };
};

ledgerContracts(FAKE, openLedger);
uploadLedgerContract(FAKE, openLedger);

onceContract(FAKE, async () => {
  const { invocation } = fakeOnce();
  return (requestId, leftMs = MINUTE_MS) => invocation(requestId, leftMs);
});

videoDocumentsContract(FAKE, async () => fakeVideoDocuments());

logContract(FAKE, () => {
  const log = fakeLog();
  return { log, lines: () => log.lines };
});

savedIndexesContract(FAKE, async () => {
  const indexes = fakeSavedIndexes();
  return () => indexes;
});
