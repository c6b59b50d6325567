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

/** A file, a text in it, and a mistake that takes its place. */
type Mistake = readonly [file: string, from: string, to: string];

/** What tsc says of changed files. The changes are made in copies elsewhere: another run may be checking the real files. */
async function checkChanged(mistakes: readonly Mistake[]): Promise<string> {
  const folder = join(PROJECT_ROOT, ".sst", `types-${process.pid}`);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder);
  const infra = join(PROJECT_ROOT, "infra");
  for (const [number, [file, from, to]] of mistakes.entries()) {
    const source = await readFile(join(PROJECT_ROOT, file), "utf8");
    expect(source).toContain(from);
    const copy = source
      .replace(from, to)
      .replaceAll('"./infra/', `"${infra}/`)
      .replaceAll('from "./', `from "${infra}/aws/`)
      .replaceAll('from "../', `from "${infra}/`)
      .replace('path="./.sst/', 'path="../');
    await writeFile(join(folder, `changed-${number}.ts`), copy);
  }
  const base = join(infra, "aws", "tsconfig.json");
  const types = join(PROJECT_ROOT, "sst.config.ts");
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ extends: base, include: ["changed-*.ts", types] }));
  return check(folder);
}

it("given sst.config.ts and infra/aws, then they fit the types of SST's components", { tags: "full" }, async () => {
  expect(await check("infra/aws")).toBe("");
});

it("given a typo in each of three files, then tsc names it", { tags: "full" }, async () => {
  const found = await checkChanged([
    ["infra/aws/functions.ts", "architecture: spec", "architektur: spec"],
    ["infra/aws/stage-buckets.ts", "sst.aws.Bucket(", "sst.aws.Bukket("],
    ["sst.config.ts", '"retain"', '"retian"'],
  ]);
  expect(found).toMatch(/changed-0\.ts.*error TS.*architektur/);
  expect(found).toMatch(/changed-1\.ts.*error TS.*Bukket/);
  expect(found).toMatch(/changed-2\.ts.*error TS.*retian/s);
});
