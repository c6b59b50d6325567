import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openStateFolder } from "../../../infra/emulator/state-folder.ts";
import { modesIn, withUmask } from "../../fixtures/modes.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const FOLDERS = ["s3", "dynamodb", "events", "lambda", "sqs", "queues", "own"];

it.each([0, 0o022, 0o777])("given umask %o, then a state folder and those in it are private", async (umask) => {
  const state = join(await temporaryFolder(), "new", "state");
  await withUmask(umask, () => openStateFolder(state));
  const modes = await modesIn(state);
  expect([...modes.keys()].sort()).toEqual(["", ...FOLDERS].sort());
  expect([...modes.values()].every((mode) => mode === 0o700)).toBe(true);
});

it("given a state folder that others can read, then it is made private with all that is in it", async () => {
  const state = await temporaryFolder();
  await chmod(state, 0o755);
  await mkdir(join(state, "s3", "blobs"), { recursive: true, mode: 0o777 });
  for (const name of ["lock.sqlite", "s3/journal.jsonl", "s3/blobs/one"])
    await writeFile(join(state, name), "", { mode: 0o644 });
  const outside = join(await temporaryFolder(), "outside");
  await writeFile(outside, "", { mode: 0o644 });
  await symlink(outside, join(state, "s3", "link"));
  await openStateFolder(state);
  const modes = await modesIn(state);
  expect(Object.fromEntries(modes)).toMatchObject({
    "": 0o700,
    s3: 0o700,
    "s3/blobs": 0o700,
    "s3/blobs/one": 0o600,
    "s3/journal.jsonl": 0o600,
    "lock.sqlite": 0o600,
  });
  expect((await modesIn(outside)).get("")).toBe(0o644);
});

it("given a folder that holds other things too, then only what is the stack's is made private", async () => {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  await writeFile(join(folder, "notes.txt"), "", { mode: 0o644 });
  await openStateFolder(folder);
  expect(Object.fromEntries(await modesIn(folder))).toMatchObject({ "": 0o755, "notes.txt": 0o644, s3: 0o700 });
});
