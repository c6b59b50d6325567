import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { PROJECT_ROOT } from "../../infra/local/project.ts";

const run = promisify(execFile);

/** What tsc prints, by a project's tsconfig. */
const check = async (config: string): Promise<string> => {
  const tsc = join(PROJECT_ROOT, "node_modules", ".bin", "tsc");
  return run(tsc, ["-p", config, "--pretty", "false"], { cwd: PROJECT_ROOT }).then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout as string,
  );
};

/** What tsc says of a file after a change, which is made in a copy elsewhere: another run may be checking the real ones. */
async function checkChanged(file: string, from: string, to: string): Promise<string> {
  const folder = join(PROJECT_ROOT, ".sst", `types-${process.pid}-${from.replaceAll(/\W/g, "")}`);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder);
  const source = await readFile(join(PROJECT_ROOT, file), "utf8");
  expect(source).toContain(from);
  const infra = join(PROJECT_ROOT, "infra");
  const copy = source
    .replace(from, to)
    .replaceAll('"./infra/', `"${infra}/`)
    .replaceAll('from "./', `from "${infra}/aws/`)
    .replaceAll('from "../', `from "${infra}/`)
    .replace('path="./.sst/', 'path="../');
  await writeFile(join(folder, "changed.ts"), copy);
  const base = join(infra, "aws", "tsconfig.json");
  const types = join(PROJECT_ROOT, "sst.config.ts");
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ extends: base, include: ["changed.ts", types] }));
  return check(folder);
}

it("given sst.config.ts and infra/aws, then they fit the types of SST's components", async () => {
  expect(await check("infra/aws")).toBe("");
});

it.each([
  ["infra/aws/functions.ts", "architecture: spec", "architektur: spec", /error TS.*architektur/],
  ["infra/aws/buckets.ts", "sst.aws.Bucket(", "sst.aws.Bukket(", /error TS.*Bukket/],
  ["sst.config.ts", '"retain"', '"retian"', /error TS.*retian/s],
])("given a typo in %s, then tsc names it", async (file, from, to, message) => {
  expect(await checkChanged(file, from, to)).toMatch(message);
});
