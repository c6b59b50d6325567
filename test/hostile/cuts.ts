import type { CutChoice } from "../../services/split/ports/ledger.ts";

export const CUTS = ["keyframe", "exact"] as const satisfies readonly CutChoice["cut"][];

export const isCut = (text: string): text is CutChoice["cut"] => CUTS.some((cut) => cut === text);
