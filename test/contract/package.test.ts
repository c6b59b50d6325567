import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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
  "README.md",
  "LICENSE",
  "src",
  "json",
  "examples",
  "released",
  "scripts",
];

const CONSUMER = `import { subscribe } from "@video-split/events-schema";
export const handler = subscribe("SegmentCreated", async (segment, { metadata }) => {
  return [segment.segment_index, metadata.correlationId];
});
`;

const CALL = `import example from "@video-split/events-schema/examples/SegmentCreated.json" with { type: "json" };
import schema from "@video-split/events-schema/json/SegmentCreated.json" with { type: "json" };
import { handler } from "./consumer.mjs";
console.log(JSON.stringify({ result: await handler(example, {}), title: schema.title }));
`;

let folder: string;
let consumer: string;
let packedFiles: string[];

/**
 * Packs a copy of the package as `npm publish` would, and unpacks the tarball itself, because npm
 * would use a registry.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "events-schema-package-"));
  const copy = join(folder, "project/events-schema");
  for (const source of SOURCES)
    await cp(join(projectFolder, "events-schema", source), join(copy, source), { recursive: true });
  await cp(join(projectFolder, "tsconfig.json"), join(folder, "project/tsconfig.json"));
  await symlink(modules, join(folder, "project/node_modules"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: copy,
    env: environment,
  });
  const [packed] = Packed.parse(JSON.parse(stdout));
  packedFiles = packed!.files.map(({ path }) => path);

  consumer = join(folder, "consumer");
  const installed = join(consumer, "node_modules/@video-split/events-schema");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", join(folder, basename(packed!.filename)), "-C", installed, "--strip-components=1"]);
  await symlink(join(modules, "zod"), join(consumer, "node_modules/zod"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

describe("the published package", () => {
  it("holds JavaScript, types, schemas, examples, README and licence, and no sources", () => {
    expect(packedFiles).toEqual(
      expect.arrayContaining([
        "README.md",
        "LICENSE",
        "dist/index.js",
        "dist/index.d.ts",
        "json/index.json",
        "json/VideoSplit.json",
        "examples/VideoSplit.json",
      ]),
    );
    expect(
      packedFiles.filter((path) => !/^(dist|json|examples)\/|^(README\.md|LICENSE|package\.json)$/.test(path)),
    ).toEqual([]);
    expect(packedFiles.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
  });

  it("depends on zod alone", async () => {
    const manifest = JSON.parse(
      await readFile(join(consumer, "node_modules/@video-split/events-schema/package.json"), "utf8"),
    );
    expect(Object.keys(manifest.dependencies)).toEqual(["zod"]);
  });

  it("given a consumer of three lines, when plain Node calls it with the package's own example, then it answers", async () => {
    await writeFile(join(consumer, "consumer.mjs"), CONSUMER);
    await writeFile(join(consumer, "call.mjs"), CALL);
    const { stdout } = await run(process.execPath, ["call.mjs"], { cwd: consumer, env: environment });
    expect(JSON.parse(stdout)).toEqual({
      result: [1, "e7a8ea04-47e3-8072-ad6e-b70cdebb792e"],
      title: "SegmentCreated",
    });
  }, 30_000);

  it("given a consumer in TypeScript, when it reads a field that events don't have, then that and nothing else is an error", async () => {
    await writeFile(
      join(consumer, "typed.mts"),
      `${CONSUMER}export const wrong = subscribe("VideoSplit", (video) => video.colour);\n`,
    );
    const check = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "", "typed.mts"];
    const failed = await run(process.execPath, [join(modules, "typescript/bin/tsc"), ...check], {
      cwd: consumer,
      env: environment,
    }).catch((error: { stdout: string }) => error);
    expect(failed.stdout.trim().split("\n")).toEqual([
      expect.stringMatching(/^typed\.mts\(5,.*'colour' does not exist/),
    ]);
  }, 60_000);
});
