import type { EventType } from "./catalog.ts";

/** One fault of an event. */
export type Fault = {
  /** Where, such as `detail.data.size[0]`. */
  field: string;
  message: string;
};

/** Not an event of this service, or not one that was subscribed to: a rule or a caller is wrong. */
export class UnknownEventError extends Error {
  override name = "UnknownEventError";
  /** Stable, and the same in every copy of this package. */
  readonly code = "UnknownEvent";
}

/**
 * An event of this service that breaks its schema. `message` names the event and each faulty field.
 */
export class InvalidEventError extends Error {
  override name = "InvalidEventError";
  /** Stable, and the same in every copy of this package. */
  readonly code = "InvalidEvent";
  readonly type: EventType;
  readonly faults: readonly Fault[];

  constructor(type: EventType, faults: readonly Fault[], options?: ErrorOptions) {
    super(`${type} is not valid: ${faults.map(({ field, message }) => `${field}: ${message}`).join("; ")}`, options);
    this.type = type;
    this.faults = faults;
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

/** Recognises it by its code, so that an error of another copy of this package is known too. */
export const isUnknownEventError = (error: unknown): error is UnknownEventError => hasCode(error, "UnknownEvent");

/** Recognises it by its code, so that an error of another copy of this package is known too. */
export const isInvalidEventError = (error: unknown): error is InvalidEventError => hasCode(error, "InvalidEvent");

/** A path, written as in JavaScript: `detail.data.size[0]`. */
export const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((name, step) => {
    if (typeof step === "number") return `${name}[${step}]`;
    return name === "" ? String(step) : `${name}.${String(step)}`;
  }, "");

/** The faults that zod found. */
export const faultsOf = (issues: readonly { path: readonly PropertyKey[]; message: string }[]): Fault[] =>
  issues.map(({ path, message }) => ({ field: fieldName(path) || "the event", message }));
