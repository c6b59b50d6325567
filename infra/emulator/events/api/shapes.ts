import * as z from "zod";
import { EventBridgeException, invalid } from "../exceptions.ts";

/**
 * Shapes that several operations share, with the API's own limits:
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
 */
const NAME = /^[.\-_A-Za-z0-9]+$/;

export const ruleName = z.string().min(1).max(64).regex(NAME);
export const replayName = ruleName;
export const archiveName = z.string().min(1).max(48).regex(NAME);
export const busName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[/.\-_A-Za-z0-9]+$/);
export const busNameOrArn = z
  .string()
  .min(1)
  .max(1_600)
  .regex(/^(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[/.\-_A-Za-z0-9]+$/);
export const arn = z.string().min(1).max(1_600);
export const description = z.string().max(512).optional();
export const eventPattern = z.string().max(4_096).optional();
export const paging = {
  Limit: z.int().min(1).max(100).optional(),
  NextToken: z.string().min(1).max(2_048).optional(),
};
/** Epoch seconds, as AWS JSON has timestamps. */
export const timestamp = z.number();
export const tags = z.array(z.object({ Key: z.string().min(1).max(128), Value: z.string().max(256) })).optional();

const memberPath = (path: readonly PropertyKey[]): string =>
  path
    .map((step) =>
      typeof step === "number" ? `${step + 1}.member` : String(step).replace(/^[A-Z]/, (c) => c.toLowerCase()),
    )
    .join(".");

/** The constraint in AWS's words, or undefined if the JSON has the wrong type. */
function constraint(issue: z.core.$ZodIssue): string | undefined {
  const length = issue.code === "too_big" || issue.code === "too_small" ? issue.origin : undefined;
  const measured = length === "number" || length === "int" ? "value" : "length";
  if (issue.code === "too_big") return `Member must have ${measured} less than or equal to ${issue.maximum}`;
  if (issue.code === "too_small") return `Member must have ${measured} greater than or equal to ${issue.minimum}`;
  if (issue.code === "invalid_format") return `Member must satisfy regular expression pattern: ${issue.pattern}`;
  if (issue.code === "invalid_value") return `Member must satisfy enum value set: [${issue.values.join(", ")}]`;
  return issue.code === "invalid_type" && issue.input === undefined ? "Member must not be null" : undefined;
}

/**
 * Reads a request's input. Throws `ValidationException`, or `SerializationException` for a wrong
 * JSON type.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input, { reportInput: true });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => {
    const broken = constraint(issue);
    if (broken === undefined) {
      throw new EventBridgeException("SerializationException", `${memberPath(issue.path)}: ${issue.message}`);
    }
    return `Value at '${memberPath(issue.path)}' failed to satisfy constraint: ${broken}`;
  });
  const many = faults.length === 1 ? "1 validation error" : `${faults.length} validation errors`;
  throw invalid(`${many} detected: ${faults.join("; ")}`);
}
