import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../infra/local/project.ts";

/** A guard taken out of the project, to see that what tests it notices. */
export type Mutant = {
  name: string;
  /** What is no longer done. */
  without: string;
  edits: readonly { file: string; from: string; to: string }[];
};

/** What functions are built from. */
export const FUNCTION_SOURCES = ["services", "events-schema", "package.json", "tsconfig.json"];

/** What tests are run from. */
export const TEST_SOURCES = [...FUNCTION_SOURCES, "infra", "test", "vitest.config.ts"];

/**
 * Runs `work` on a copy of the project without the guard. `sources`: files and folders to copy.
 * Throws if the guard's code isn't found.
 */
export async function withMutant<T>(
  { name, edits }: Pick<Mutant, "name" | "edits">,
  work: (root: string) => Promise<T>,
  sources: readonly string[] = FUNCTION_SOURCES,
): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), `video-split-without-${name}-`));
  try {
    for (const source of sources) await cp(join(PROJECT_ROOT, source), join(root, source), { recursive: true });
    await symlink(join(PROJECT_ROOT, "node_modules"), join(root, "node_modules"));
    for (const { file, from, to } of edits) {
      const path = join(root, file);
      const text = await readFile(path, "utf8");
      if (text.split(from).length !== 2) throw new Error(`Mutant ${name}: ${file} doesn't hold once:\n${from}`);
      await writeFile(
        path,
        text.replace(from, () => to),
      );
    }
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
