import { catalog, type EventData, type EventType, isEventType } from "./catalog.ts";
import { type Metadata, SOURCE } from "./envelope.ts";
import { type Fault, faultsOf, fieldName, InvalidEventError, UnknownEventError } from "./errors.ts";
import { detailSchema } from "./event-schema.ts";

/** What goes into an entry of PutEvents; its `Detail` is `JSON.stringify(detail)`. */
export type CreatedEvent<T extends EventType = EventType> = {
  source: typeof SOURCE;
  detailType: T;
  detail: { metadata: Metadata; data: EventData<T> };
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** The schemas drop unknown fields, so a field that isn't in the result is unknown. */
function unknownFields(written: unknown, known: unknown, path: readonly PropertyKey[]): Fault[] {
  if (!isObject(written) || !isObject(known)) return [];
  return Object.keys(written).flatMap((key) => {
    const here = [...path, Array.isArray(written) ? Number(key) : key];
    if (Object.hasOwn(known, key)) return unknownFields(written[key], known[key], here);
    return [{ field: fieldName(here), message: "the schema has no such field" }];
  });
}

/**
 * Makes an event ready to be put on a bus. Strict, where `parseEvent` is tolerant: throws
 * `InvalidEventError` for whatever breaks the schema and for every field that the schema doesn't
 * have, at any depth, in the metadata too. Throws `UnknownEventError` where `type` is no event of
 * this service.
 */
export function createEvent<T extends EventType>(type: T, data: EventData<T>, metadata: Metadata): CreatedEvent<T> {
  if (!isEventType(type)) throw new UnknownEventError(`${String(type)} is not an event of ${SOURCE}`);
  const written = { metadata, data };
  const parsed = detailSchema(type).safeParse(written);
  if (!parsed.success) throw new InvalidEventError(type, faultsOf(parsed.error.issues), { cause: parsed.error });
  const faults = unknownFields(written, parsed.data, []);
  const { version } = catalog[type];
  if (metadata.version !== version) faults.push({ field: "metadata.version", message: `must be ${version}` });
  if (faults.length > 0) throw new InvalidEventError(type, faults);
  return { source: SOURCE, detailType: type, detail: parsed.data as CreatedEvent<T>["detail"] };
}
