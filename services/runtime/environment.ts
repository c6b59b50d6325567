import * as z from "zod";

/** Extensions in lower case, with commas between them. */
export const ExtensionList = z
  .string()
  .min(1)
  .transform((list) => list.split(","));

/** A variable of the environment is missing or invalid. `message` names each. */
export class EnvironmentError extends Error {
  override name = "EnvironmentError";
}

/**
 * Reads settings from the environment by a schema whose keys are variables' names. Throws
 * `EnvironmentError`.
 */
export function readEnvironment<S extends z.ZodObject>(
  schema: S,
  environment: NodeJS.ProcessEnv = process.env,
): z.infer<S> {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new EnvironmentError(`The function's environment can't be used: ${faults.join("; ")}`);
}
