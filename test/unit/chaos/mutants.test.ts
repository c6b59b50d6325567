import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { MUTANTS } from "../../chaos/mutants.ts";

it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  "the guard that the mutant %s removes is where it says, once",
  (_name, { edits }) => {
    for (const { file, from, to } of edits) {
      const source = readFileSync(join(PROJECT_ROOT, file), "utf8");
      expect(source.split(from), file).toHaveLength(2);
      expect(to).not.toBe(from);
    }
  },
);
