import { describe, expect, it } from "vitest";
import type { Check } from "./check.ts";
import { buckets } from "./checks/buckets.ts";
import { dashboard } from "./checks/dashboard.ts";
import { deadLetters } from "./checks/dead-letters.ts";
import { functions } from "./checks/functions.ts";
import { permissions } from "./checks/permissions.ts";
import { rules } from "./checks/rules.ts";
import { storage } from "./checks/storage.ts";
import { STAGES } from "./stages.ts";
import { graphOf } from "./synthesised.ts";

const CHECKS: Record<string, Check[]> = { rules, deadLetters, functions, permissions, buckets, storage, dashboard };

describe.each(STAGES)("given $says", (stage) => {
  const graph = graphOf(stage.stage);

  describe.each(Object.entries(CHECKS))("%s", (_, checks) => {
    for (const { says, faults, broken, unless } of checks) {
      if (unless?.(stage)) continue;
      it(says, () => {
        expect(faults(graph)).toEqual([]);
        for (const [what, change] of Object.entries(broken))
          expect(faults(change(graph)), `it must fail with: ${what}`).not.toEqual([]);
      });
    }
  });
});
