import type { Mutant } from "./mutant.ts";

/** A guard taken out, which a test must notice. */
export type TestedMutant = Mutant & {
  /** The file in `test` that fails then. */
  caughtBy: string;
  /** What then happens to a segment, where that was tried: another guard may handle the fault. */
  outcome?: string;
};
