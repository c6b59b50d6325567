import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { openGate } from "./gate.ts";
import { fixture, openTestLambda } from "./local-lambda.ts";

const LONG_AGO = new Date("2020-01-01");

/** A project with one handler, which returns the text in another file. Both files are old. */
async function newProject() {
  const root = await temporaryFolder();
  await mkdir(join(root, "source"));
  const setText = (text: string) =>
    writeFile(join(root, "source", "text.ts"), `export const text: string = "${text}";\n`);
  await setText("before");
  await writeFile(
    join(root, "source", "handler.ts"),
    `import { text } from "./text.ts";
export const handler = async ({ url }: { url?: string }) => {
  if (url !== undefined) await fetch(url, { method: "POST", body: JSON.stringify({ pid: process.pid }) });
  return { text, pid: process.pid };
};
`,
  );
  for (const name of ["text.ts", "handler.ts"]) await utimes(join(root, "source", name), LONG_AGO, LONG_AGO);
  return { root, setText };
}

const changing = fixture("result.echo", { handler: "source/handler.handler" });

describe("given sources that are watched", () => {
  it("when a file that the handler imports is changed, then the next invocation runs the new code", async () => {
    const { root, setText } = await newProject();
    const lambda = await openTestLambda([changing], { root, watch: true });
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "before" } });
    for (const text of ["after", "later"]) {
      await setText(text);
      expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text } });
    }
  });

  it("when a change keeps the size and the time, then it is noticed anyway", async () => {
    const { root, setText } = await newProject();
    const lambda = await openTestLambda([changing], { root, watch: true });
    await lambda.invoke("tested", {});
    await setText("Before");
    await utimes(join(root, "source", "text.ts"), 1, 1);
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "Before" } });
  });

  it("when a file is changed and its time isn't older than the bundle, then the next invocation runs the new code", async () => {
    const { root, setText } = await newProject();
    const text = join(root, "source", "text.ts");
    // Of now it would be in an older tick on a busy machine, by the time that it's bundled.
    const soon = new Date(Date.now() + 60_000);
    await utimes(text, soon, soon);
    const lambda = await openTestLambda([changing], { root, watch: true });
    await setText("Before");
    await utimes(text, soon, soon);
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "Before" } });
  });

  it("when a file is written but not changed, then the warm environment stays", async () => {
    const { root, setText } = await newProject();
    const lambda = await openTestLambda([changing], { root, watch: true });
    const first = await lambda.invoke("tested", {});
    await setText("before");
    expect(await lambda.invoke("tested", {})).toEqual(first);
  });

  it("when an invocation is running, then it ends on the old code, and its bundle goes with it", async () => {
    const { root, setText } = await newProject();
    const gate = await openGate();
    const lambda = await openTestLambda([changing], { root, watch: true });
    const running = lambda.invoke("tested", { url: gate.url });
    const { letGo } = await gate.next();
    await setText("after");
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "after" } });
    letGo();
    expect(await running).toMatchObject({ result: { text: "before" } });

    await setText("later");
    await lambda.invoke("tested", {});
    const [work = ""] = await readdir(lambda.directory);
    const versions = (await readdir(join(lambda.directory, work, "tested"))).filter((name) => /^\d+$/.test(name));
    expect(versions).toHaveLength(1);
  });

  it("when a change can't be bundled, then the log says why, once, and the previous code stays until it is fixed", async () => {
    const { root, setText } = await newProject();
    const lambda = await openTestLambda([changing], { root, watch: true });
    await setText('"; this is no code');
    for (const _ of [1, 2]) expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "before" } });
    expect(lambda.logs).toEqual([{ functionName: "tested", text: expect.stringContaining("source/text.ts:1:") }]);
    await setText("after");
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "after" } });
  });

  it("when an imported file is missing for a while, then its return is noticed", async () => {
    const { root, setText } = await newProject();
    const lambda = await openTestLambda([changing], { root, watch: true });
    await rm(join(root, "source", "text.ts"));
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "before" } });
    await setText("after");
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "after" } });
  });
});

describe("given sources that aren't watched", () => {
  it("when one is changed, then the opened code is used", async () => {
    const { root, setText } = await newProject();
    const lambda = await openTestLambda([changing], { root });
    await setText("after");
    expect(await lambda.invoke("tested", {})).toMatchObject({ result: { text: "before" } });
  });

  it("when a source can't be bundled, then nothing is opened and no file is left", async () => {
    const { root, setText } = await newProject();
    await setText('"; this is no code');
    const directory = await temporaryFolder();
    await expect(openTestLambda([changing], { root, directory })).rejects.toMatchObject({
      name: "BundleError",
      message: expect.stringContaining("source/text.ts:1:"),
    });
    expect(await readdir(directory)).toEqual([]);
  });
});
