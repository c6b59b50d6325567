import { join } from "node:path";
import { eventTypes } from "../src/index.ts";
import { breaks, partyOf } from "./compatibility/breaks.ts";
import { type JsonSchema, readSchema } from "./compatibility/json-schema.ts";
import { jsonSchemaOf } from "./generated-files.ts";
import { jsonText, namesIn, textOf, writeText } from "./package-folder.ts";

/** Schemas by the name of their event. */
export type Schemas = ReadonlyMap<string, JsonSchema>;

/** A released set of schemas, which is never changed. */
export type Baseline = { number: number; schemas: Schemas };

const FOLDER = "released";
const SUFFIX = ".json";

/** The schemas that events-schema/src makes today. */
export const currentSchemas = (): Schemas => new Map(eventTypes.map((type) => [type, jsonSchemaOf(type)]));

/** Every baseline below `root`/released, oldest first. */
export async function readBaselines(root: string): Promise<Baseline[]> {
  const numbers = (await namesIn(join(root, FOLDER)))
    .flatMap((name) => /^v([1-9]\d*)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((left, right) => left - right);
  return Promise.all(
    numbers.map(async (number) => {
      const folder = join(root, FOLDER, `v${number}`);
      const files = (await namesIn(folder)).filter((name) => name.endsWith(SUFFIX));
      const schemas = files.map(
        async (name): Promise<[string, JsonSchema]> => [
          name.slice(0, -SUFFIX.length),
          readSchema((await textOf(join(folder, name))) ?? ""),
        ],
      );
      return { number, schemas: new Map(await Promise.all(schemas)) };
    }),
  );
}

/**
 * Which changes in `current` break a user of the baseline, a sentence each. Additional events break
 * no user.
 */
export function breaksOf({ number, schemas }: Baseline, current: Schemas): string[] {
  return [...schemas].flatMap(([event, before]) => {
    const after = current.get(event);
    const sentences =
      after === undefined
        ? [`${event} was removed or renamed; its subscribers would wait for ever.`]
        : breaks(event, before, after, partyOf(event));
    return sentences.map((sentence) => `Against v${number}: ${sentence}`);
  });
}

/** The schemas can't be released: `message` says why. */
export class ReleaseError extends Error {
  override name = "ReleaseError";
}

const textsOf = (schemas: Schemas): string =>
  JSON.stringify([...schemas].sort(([left], [right]) => (left < right ? -1 : 1)));

/**
 * Freezes `current` as the next baseline and returns its number. Throws `ReleaseError` where it
 * breaks an older one, or is the same as the newest.
 */
export async function release(root: string, current: Schemas): Promise<number> {
  const baselines = await readBaselines(root);
  const sentences = baselines.flatMap((baseline) => breaksOf(baseline, current));
  if (sentences.length > 0) throw new ReleaseError(sentences.join("\n"));
  const newest = baselines.at(-1);
  if (newest !== undefined && textsOf(newest.schemas) === textsOf(current)) {
    throw new ReleaseError(`Nothing to release: the schemas are those of v${newest.number}.`);
  }
  const number = (newest?.number ?? 0) + 1;
  for (const [event, schema] of current)
    await writeText(join(root, FOLDER, `v${number}`, `${event}${SUFFIX}`), jsonText(schema));
  return number;
}
