import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  makeIdempotent,
} from "@aws-lambda-powertools/idempotency";
import type { Context } from "aws-lambda";
import type { LedgerPersistence } from "../aws/idempotency.ts";
import type { Done, Once } from "../split/ports/once.ts";

/**
 * How long the record of finished work is kept: EventBridge and Lambda retry for a day. Work that
 * is repeated later has the same result.
 */
const KEEP_SECONDS = 86_400;

/** Contains a result that isn't kept: Powertools keeps returned results, not thrown ones. */
class NotKept<T> extends Error {
  readonly result: T;

  constructor(result: T) {
    super("a result that isn't kept");
    this.result = result;
  }
}

/**
 * Work made idempotent by Powertools, for one invocation. A duplicate of work in progress is
 * distinguished from its own retry: see docs/decisions/idempotency.md.
 */
export function onceInLedger(persistence: LedgerPersistence, context: Context): Once {
  persistence.setOwner(context.awsRequestId);
  const config = new IdempotencyConfig({
    expiresAfterSeconds: KEEP_SECONDS,
    hashFunction: "sha256",
    lambdaContext: context,
  });
  return async <T>(key: string, requestHash: string, work: () => Promise<Done<T>>) => {
    persistence.setRequestHash(requestHash);
    const workOnce = async (_key: string) => {
      const { result, keep } = await work();
      if (!keep) throw new NotKept(result);
      return { result };
    };
    try {
      return await makeIdempotent(workOnce, { persistenceStore: persistence, keyPrefix: "split", config })(key);
    } catch (error) {
      if (error instanceof NotKept) return { result: error.result as T };
      // The invocation that owns the record finishes it, is retried under its own request id, or
      // ends as a dead letter.
      if (error instanceof IdempotencyAlreadyInProgressError) return { busyWith: persistence.requestHashOfOwner };
      throw error;
    }
  };
}
