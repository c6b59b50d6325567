import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { MUTANTS } from "../../chaos/mutants.ts";
import { ANCHORING_MUTANTS } from "../../mutants/anchoring/index.ts";

describe.each([
  ["chaos", MUTANTS],
  ["anchored boundaries", ANCHORING_MUTANTS],
] as const)("mutants of %s", (_, mutants) => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "the guard that the mutant %s removes is where it says, once",
    (_name, { edits }) => {
      for (const { file, from, to } of edits) {
        const source = readFileSync(join(PROJECT_ROOT, file), "utf8");
        expect(source.split(from), file).toHaveLength(2);
        expect(to).not.toBe(from);
      }
    },
  );

  it("have names of their own", () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });
});

it.each(ANCHORING_MUTANTS)("the test file that catches the mutant $name exists", ({ caughtBy }) => {
  expect(existsSync(join(PROJECT_ROOT, "test", caughtBy))).toBe(true);
});
