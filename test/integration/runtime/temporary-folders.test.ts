import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { makeTemporaryFolder, removeAbandonedFolders } from "../../../services/runtime/temporary-folders.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const MODULE = new URL("../../../services/runtime/temporary-folders.ts", import.meta.url).href;

/** A process that makes a folder in `parent`, and is killed before it can remove it. */
async function abandonFolder(parent: string): Promise<string> {
  const program = `
    const { makeTemporaryFolder } = await import(${JSON.stringify(MODULE)});
    process.stdout.write(await makeTemporaryFolder(${JSON.stringify(parent)}), () => process.kill(process.pid, "SIGKILL"));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [folder] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return folder;
}

it("removes what a killed process has left, with all that is in it, and nothing else", async () => {
  const parent = await temporaryFolder();
  const own = await makeTemporaryFolder(parent);
  const abandoned = await abandonFolder(parent);
  await writeFile(join(abandoned, "00000.mp4"), "half a segment");
  // The id of a running process with the start time of another one: ids are reused.
  const reused = `video-split-run-${process.pid}-1-abc`;
  await mkdir(join(parent, reused));
  await mkdir(join(parent, "somebody-else"));

  expect((await removeAbandonedFolders(parent)).sort()).toEqual([basename(abandoned), reused].sort());
  expect((await readdir(parent)).sort()).toEqual([basename(own), "somebody-else"].sort());
});
