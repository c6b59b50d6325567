import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";

type Locked = { hasInstallScript?: boolean; os?: string[]; cpu?: string[] };

const SUPPORTED = { os: ["linux", "darwin"], cpu: ["x64", "arm64"] };

const runsHere = ({ os = SUPPORTED.os, cpu = SUPPORTED.cpu }: Locked): boolean =>
  os.some((name) => SUPPORTED.os.includes(name)) && cpu.some((name) => SUPPORTED.cpu.includes(name));

it("given a package with an install script, on Linux or a Mac, then package.json says whether npm 12 runs it", async () => {
  const { packages } = JSON.parse(await readFile(join(PROJECT_ROOT, "package-lock.json"), "utf8"));
  const { allowScripts } = JSON.parse(await readFile(join(PROJECT_ROOT, "package.json"), "utf8"));
  const withScripts = Object.entries<Locked>(packages).flatMap(([path, locked]) =>
    locked.hasInstallScript && runsHere(locked) ? [path.slice(path.lastIndexOf("node_modules/") + 13)] : [],
  );
  expect(withScripts.length).toBeGreaterThan(5);
  expect(withScripts.filter((name) => !(name in allowScripts))).toEqual([]);
});
