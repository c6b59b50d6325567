import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bundle } from "../../../infra/packaging/bundle.ts";
import { cachedBuild } from "../../../infra/packaging/bundle-cache.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** Until a file that is written now is old enough to be known as read. */
const untilOld = () => expect.poll(() => performance.now() - written, { interval: 5 }).toBeGreaterThan(30);
let written = 0;

/** A project with a handler that imports a text, and a package that it imports another one from. */
async function openProject() {
  const root = await temporaryFolder();
  const set = async (name: string, content: string) => {
    await writeFile(join(root, name), content);
    written = performance.now();
  };
  await mkdir(join(root, "node_modules", "dependency"), { recursive: true });
  await set("package.json", "{}");
  await set("node_modules/dependency/index.js", 'export const dependency = "first";');
  await set("text.ts", 'export const text: string = "before";');
  await set(
    "handler.ts",
    'import { dependency } from "dependency";\nimport { text } from "./text.ts";\nexport const handler = text + dependency;',
  );
  const build = async () => {
    await untilOld();
    const { file } = await bundle("handler.handler", { root, directory: await temporaryFolder() });
    return ((await import(file)) as { handler: string }).handler;
  };
  /** Whether these files are built, instead of using the cached bundle. */
  const isMade = async (inputs = ["text.ts"]) => {
    await untilOld();
    let count = 0;
    await cachedBuild({ root, entry: "made.ts" }, async () => {
      count += 1;
      return { inputs };
    });
    return count === 1;
  };
  return { root, set, build, isMade, kept: join(root, "node_modules", ".cache", "video-split", "bundles") };
}

describe("given a handler that was bundled before", () => {
  it("when nothing has changed, then the bundle is the one that is kept", async () => {
    const { isMade, build, kept } = await openProject();
    expect([await isMade(), await isMade(), await isMade()]).toEqual([true, false, false]);
    expect([await build(), await build()]).toEqual(["beforefirst", "beforefirst"]);
    expect(await readdir(kept)).toHaveLength(2);
  });

  it.each([
    ["a source", "text.ts", 'export const text: string = "BEFORE";', "BEFOREfirst"],
    ["a package", "node_modules/dependency/index.js", 'export const dependency = "again";', "beforeagain"],
  ])("when %s changes, size and time as they were, then it's bundled again", async (_, name, content, result) => {
    const { root, build, set } = await openProject();
    const path = join(root, name);
    await utimes(path, 1, 1);
    await build();
    await set(name, content);
    await utimes(path, 1, 1);
    expect(await build()).toBe(result);
  });

  it.each(["package.json", "tsconfig.json", "node_modules/.package-lock.json"])(
    "when %s changes or appears, then it's bundled again",
    async (name) => {
      const { isMade, set } = await openProject();
      await isMade();
      await set(name, '{ "name": "changed" }');
      expect([await isMade(), await isMade()]).toEqual([true, false]);
    },
  );

  it("when what is kept is no whole file, then it's bundled again", async () => {
    const { build, kept } = await openProject();
    await build();
    const [name] = await readdir(kept);
    await writeFile(join(kept, name!), (await readFile(join(kept, name!))).subarray(0, 100));
    expect(await build()).toBe("beforefirst");
  });

  it("when a source may have changed while it was read, then nothing is kept", async () => {
    const { root, set, kept } = await openProject();
    await cachedBuild({ root, entry: "made.ts" }, async () => {
      await set("text.ts", 'export const text = "meanwhile";');
      return { inputs: ["text.ts"] };
    });
    await expect(readdir(kept)).rejects.toThrow("ENOENT");
  });
});

it("given a project whose cache can't be written, then handlers are bundled anyway", async () => {
  const { root, build } = await openProject();
  await writeFile(join(root, "node_modules", ".cache"), "a file where the folder would be");
  expect(await build()).toBe("beforefirst");
});
