import type { Context } from "aws-lambda";
import { LedgerPersistence } from "../../../services/aws/idempotency.ts";
import { onceInLedger } from "../../../services/runtime/once.ts";
import { openLedgerTable } from "../../fixtures/ledger-table.ts";
import { onceContract } from "../../ports/once.suite.ts";

const MINUTE_MS = 60_000;

onceContract("Powertools on the ledger table", async () => {
  const { client, table } = await openLedgerTable();
  return (awsRequestId, leftMs = MINUTE_MS) =>
    onceInLedger(new LedgerPersistence(client, table), {
      awsRequestId,
      getRemainingTimeInMillis: () => leftMs,
    } as Context);
});
