import type { TestedMutant } from "../tested-mutant.ts";
import { HEADER_MUTANTS } from "./headers.ts";
import { PLAN_MUTANTS } from "./plan.ts";
import { PROOF_MUTANTS } from "./proof.ts";
import { REWRITING_MUTANTS } from "./rewriting.ts";

/** Guards of anchored boundaries: docs/decisions/anchored-boundaries.md */
export const ANCHORING_MUTANTS: readonly TestedMutant[] = [
  ...PLAN_MUTANTS,
  ...REWRITING_MUTANTS,
  ...HEADER_MUTANTS,
  ...PROOF_MUTANTS,
];
