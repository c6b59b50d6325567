import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { LOCAL_NAMES } from "../../../infra/local/names.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { bundle } from "../../../infra/packaging/bundle.ts";
import { parseSettings } from "../../../infra/settings.ts";
import { topology } from "../../../infra/topology.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** In development's part of package.json for their types alone, or for a test; the AWS SDK brings them to Lambda. */
const ALSO_SHIPPED = /^@smithy\//;

it("given each handler, then its bundle is small and holds no tool of development", async () => {
  const manifest = JSON.parse(await readFile(join(PROJECT_ROOT, "package.json"), "utf8"));
  const tools = Object.keys(manifest.devDependencies).filter((name) => !ALSO_SHIPPED.test(name));
  for (const { handler } of Object.values(topology(parseSettings({}), LOCAL_NAMES).functions)) {
    const { file, packages } = await bundle(handler, { root: PROJECT_ROOT, directory: await temporaryFolder() });
    expect((await stat(file)).size).toBeLessThan(3 * 1024 * 1024);
    expect(Object.keys(packages)).toContain("zod");
    expect(tools.filter((name) => name in packages)).toEqual([]);
  }
});
