import type { Context } from "aws-lambda";
import { parseEvent } from "#events-schema";
import { projectorService } from "../runtime/projector.ts";
import type { Projection } from "./project.ts";

/**
 * Lambda entry point for the service's own events. What it throws is retried, then dead-lettered.
 */
export const handler = async (received: unknown, context: Context): Promise<Projection> => {
  const event = parseEvent(received);
  const project = projectorService();
  return project(event, context);
};
