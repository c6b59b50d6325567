import * as z from "zod";
import { invalidParameter } from "../exceptions.ts";
import { operation, patternFrom } from "./operation.ts";

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html */
const Event = z.looseObject({
  id: z.string(),
  account: z.string(),
  source: z.string(),
  time: z.string(),
  region: z.string(),
  resources: z.array(z.string()),
  "detail-type": z.string(),
});

function eventIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidParameter("Event", "Event is not valid JSON.");
  }
}

const Input = z.object({ EventPattern: z.string().max(4_096), Event: z.string() });

export const testEventPattern = operation(Input, (input) => {
  const matches = patternFrom(input.EventPattern);
  const event = Event.safeParse(eventIn(input.Event));
  if (!event.success) {
    const field = event.error.issues[0]?.path[0];
    throw invalidParameter("Event", `${field === undefined ? "It" : String(field)} is missing or of the wrong type.`);
  }
  return { Result: matches(event.data) };
});
