import type { Context } from "aws-lambda";
import { reconcilerService } from "../runtime/reconciler.ts";
import type { Reconciliation } from "./reconcile.ts";

/**
 * Lambda entry point for the schedule, whose event has no content. What it throws is retried, and
 * the next run does the same.
 */
export const handler = (_event: unknown, context: Context): Promise<Reconciliation> => reconcilerService()(context);
