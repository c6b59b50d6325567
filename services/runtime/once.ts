import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  makeIdempotent,
} from "@aws-lambda-powertools/idempotency";
import type { Context } from "aws-lambda";
import type { LedgerPersistence } from "../aws/idempotency.ts";
import type { Once } from "../split/ports.ts";

/** How long finished work is remembered: EventBridge and Lambda retry for a day. After that a redo changes nothing. */
const REMEMBER_SECONDS = 86_400;

/**
 * Work made idempotent by Powertools, for one invocation. A duplicate of work that is still under way is told apart from its own
 * retry: see docs/decisions/idempotency.md.
 */
export function onceInLedger(persistence: LedgerPersistence, context: Context): Once {
  persistence.setOwner(context.awsRequestId);
  const config = new IdempotencyConfig({
    expiresAfterSeconds: REMEMBER_SECONDS,
    hashFunction: "sha256",
    lambdaContext: context,
  });
  return async (key, work) => {
    const once = makeIdempotent(async (_key: string) => ({ done: await work() }), {
      persistenceStore: persistence,
      keyPrefix: "split",
      config,
    });
    try {
      return await once(key);
    } catch (error) {
      // The invocation that owns the record finishes it, is retried under its own request id, or ends as a dead letter.
      if (error instanceof IdempotencyAlreadyInProgressError) return "done elsewhere";
      throw error;
    }
  };
}
