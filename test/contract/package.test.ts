import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const run = promisify(execFile);
const projectFolder = fileURLToPath(new URL("../../", import.meta.url));
const modules = join(projectFolder, "node_modules");

/** What npm sets for its own child processes would make the npm in here work on the project instead. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith("npm_")),
);

const Packed = z.array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })).length(1);

/** Handwritten files of the package. The other files are built, and another run may be building them. */
const SOURCES = [
  "package.json",
  "tsconfig.build.json",
  "tsconfig.cjs.json",
  "README.md",
  "CHANGELOG.md",
  "LICENSE",
  "asyncapi.json",
  "src",
  "json",
  "examples",
  "released",
  "scripts",
];

/** The README's code in a language, in order. */
async function snippets(language: string): Promise<string[]> {
  const readme = await readFile(join(projectFolder, "events-schema/README.md"), "utf8");
  const fence = "```";
  const block = new RegExp(`^${fence}${language}\\n(.*?)^${fence}`, "gms");
  return [...readme.matchAll(block)].map(([, code]) => code!);
}

const CALL = `import example from "@video-split/events-schema/examples/SegmentCreated.json" with { type: "json" };
import schema from "@video-split/events-schema/json/SegmentCreated.json" with { type: "json" };
import { handler } from "./handler.js";
await handler(example, {});
console.log(schema.title);
`;

/** What it says of the example. */
const SEGMENT =
  "Segment 1 of 6940278880976896 is in s3://video-split-segments/segments/Beach day/Beach day-6940278880976896-00001.mp4";

/** A consumer that reads a field that events don't have. */
const WRONG = `import { subscribe } from "@video-split/events-schema";
subscribe("VideoSplit", (video) => video.colour);
`;

let folder: string;
let consumer: string;
let packedFiles: string[];
/** What the compiler printed. */
let printed: string;

const npm = async (cwd: string, ...args: string[]): Promise<string> =>
  (await run("npm", args, { cwd, env: environment })).stdout;

/** Packs a folder as `npm publish` would. */
async function pack(cwd: string) {
  const [packed] = Packed.parse(JSON.parse(await npm(cwd, "pack", "--json", "--pack-destination", folder)));
  return { tarball: join(folder, basename(packed!.filename)), files: packed!.files.map(({ path }) => path) };
}

/**
 * Packs a copy of the package, and installs the tarball in an empty project: without a registry.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "events-schema-package-"));
  const copy = join(folder, "project/events-schema");
  for (const source of SOURCES)
    await cp(join(projectFolder, "events-schema", source), join(copy, source), { recursive: true });
  await cp(join(projectFolder, "tsconfig.json"), join(folder, "project/tsconfig.json"));
  await symlink(modules, join(folder, "project/node_modules"));
  const [contract, zod] = await Promise.all([pack(copy), pack(join(modules, "zod"))]);
  packedFiles = contract.files;

  consumer = join(folder, "consumer");
  await mkdir(consumer);
  await writeFile(join(consumer, "package.json"), '{ "name": "my-app", "type": "module" }');
  await npm(consumer, "install", "--offline", "--no-audit", "--no-fund", zod.tarball, contract.tarball);
  const [handler, test] = await snippets("ts");
  await writeFile(join(consumer, "handler.ts"), handler!);
  await writeFile(join(consumer, "contract.test.ts"), test!);
  await writeFile(join(consumer, "call.js"), CALL);
  await writeFile(
    join(consumer, "old.cts"),
    'import { patternOf } from "@video-split/events-schema";\nexport const pattern = patternOf("SegmentCreated");\n',
  );
  await writeFile(join(consumer, "wrong.mts"), WRONG);
  printed = await compile("--module", "nodenext", "handler.ts", "contract.test.ts", "old.cts", "wrong.mts");
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Compiles the consumer. Resolves with what the compiler prints. */
async function compile(...options: string[]): Promise<string> {
  const args = [
    "--strict",
    "--target",
    "es2022",
    "--types",
    "node",
    "--typeRoots",
    join(modules, "@types"),
    ...options,
  ];
  const { stdout } = await run(process.execPath, [join(modules, "typescript/bin/tsc"), ...args], {
    cwd: consumer,
    env: environment,
  }).catch((error: { stdout: string }) => error);
  return stdout.trim();
}

const node = async (...args: string[]): Promise<string> =>
  (await run(process.execPath, args, { cwd: consumer, env: environment })).stdout;

describe("the published package", () => {
  it("holds JavaScript, types, schemas, examples, README and licence, and no sources", () => {
    expect(packedFiles).toEqual(
      expect.arrayContaining([
        "README.md",
        "LICENSE",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/cjs/index.js",
        "dist/cjs/index.d.ts",
        "asyncapi.json",
        "CHANGELOG.md",
        "json/index.json",
        "json/VideoSplit.json",
        "examples/VideoSplit.json",
      ]),
    );
    expect(
      packedFiles.filter(
        (path) =>
          !/^(dist|json|examples)\/|^(README\.md|CHANGELOG\.md|LICENSE|asyncapi\.json|package\.json)$/.test(path),
      ),
    ).toEqual([]);
    expect(packedFiles.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
  });

  it("depends on zod alone", async () => {
    const manifest = JSON.parse(
      await readFile(join(consumer, "node_modules/@video-split/events-schema/package.json"), "utf8"),
    );
    expect(Object.keys(manifest.dependencies)).toEqual(["zod"]);
  });

  it("names no file in its README that isn't in it", async () => {
    const readme = await readFile(join(projectFolder, "events-schema/README.md"), "utf8");
    const named = [...readme.matchAll(/`((?:src|json|examples|released|scripts|dist)\/[\w./-]+)`/g)].map(
      ([, name]) => name!,
    );
    expect(named.filter((name) => !packedFiles.includes(name))).toEqual([]);
  });

  it("given the README's consumer, when compiled for nodenext and for a bundler, then it runs with the example", async () => {
    expect(printed).not.toContain("handler.ts");
    expect(await node("call.js")).toContain(`${SEGMENT} 71f75d89-c451-8f58-ae7e-ca763837df28\nSegmentCreated\n`);
    const bundler = ["--noEmit", "--module", "esnext", "--moduleResolution", "bundler"];
    expect(await compile(...bundler, "handler.ts", "contract.test.ts")).toBe("");
    // The README's check of the contract, as the consumer's CI runs it.
    expect(await node("--test", "--test-reporter", "tap", "contract.test.js")).toMatch(/# pass (\d{2,})\n# fail 0/);
  }, 60_000);

  it("given CommonJS, then it is compiled, required and bundled", async () => {
    expect(printed).not.toContain("old.cts");
    const pattern = '{"source":["video-split"],"detail-type":["SegmentCreated"]}\n';
    expect(await node("-e", 'console.log(JSON.stringify(require("./old.cjs").pattern))')).toBe(pattern);
    await build({
      entryPoints: ["old.cjs"],
      absWorkingDir: consumer,
      outfile: "bundle.cjs",
      bundle: true,
      platform: "node",
    });
    expect(await node("-e", 'console.log(JSON.stringify(require("./bundle.cjs").pattern))')).toBe(pattern);
    // For moduleResolution node10, which knows no `exports`.
    const { main, types } = JSON.parse(await readFile(join(projectFolder, "events-schema/package.json"), "utf8"));
    expect(packedFiles).toEqual(expect.arrayContaining([main, types].map((path: string) => path.slice("./".length))));
  }, 60_000);

  it("given a consumer that reads a field that events don't have, then that and nothing else is an error", () => {
    expect(printed.split("\n")).toEqual([expect.stringMatching(/^wrong\.mts\(2,.*'colour' does not exist/)]);
  });

  it("given the README's consumer in Python, then it takes the example, and nothing else", async (test) => {
    const hasPackage = await run("python3", ["-c", "import jsonschema"]).then(
      () => true,
      () => false,
    );
    if (!hasPackage) test.skip("python3 with jsonschema isn't installed");
    const [code] = await snippets("python");
    const installed = join(consumer, "node_modules/@video-split/events-schema");
    await cp(join(installed, "json/SegmentCreated.json"), join(consumer, "SegmentCreated.json"));
    const call = (file: string) =>
      `\nwith open(${JSON.stringify(join(installed, file))}) as f:\n    handler(json.load(f), None)\n`;
    const python = (text: string) => run("python3", ["-c", text], { cwd: consumer, env: environment });
    const { stdout } = await python(code + call("examples/SegmentCreated.json"));
    expect(stdout).toContain("Segment 1 is in s3://video-split-segments/segments/Beach day/");
    await expect(python(code + call("examples/VideoSplit.json"))).rejects.toThrow(/ValidationError/);
  }, 30_000);
});
