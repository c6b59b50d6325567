import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  breaksOf,
  currentSchemas,
  ReleaseError,
  readBaselines,
  release,
  type Schemas,
} from "../../events-schema/scripts/baselines.ts";

const packageFolder = fileURLToPath(new URL("../../events-schema/", import.meta.url));

const field = (type: string) => ({ type: "object", properties: { field: { type } }, required: ["field"] });
const first: Schemas = new Map([["Happened", field("integer")]]);
const withOptional: Schemas = new Map([
  ["Happened", { ...field("integer"), properties: { field: { type: "integer" }, more: { type: "string" } } }],
]);

describe("the released baselines", () => {
  it("are all compatible with today's schemas", async () => {
    const baselines = await readBaselines(packageFolder);
    expect(baselines.map(({ number }) => number)).toContain(1);
    expect(baselines.flatMap((baseline) => breaksOf(baseline, currentSchemas()))).toEqual([]);
  });
});

describe("comparing with a baseline", () => {
  it("given an event that was removed, then it is named", () => {
    expect(breaksOf({ number: 3, schemas: first }, new Map())).toEqual([
      "Against v3: Happened was removed or renamed; its subscribers would wait for ever.",
    ]);
  });

  it("given an additional event, then no user is broken", () => {
    expect(breaksOf({ number: 1, schemas: first }, new Map([...first, ["Other", field("string")]]))).toEqual([]);
  });

  it("goes by the readers for what this service writes, and by the writers for SplitRequested", () => {
    const widened = (event: string) =>
      breaksOf({ number: 1, schemas: new Map([[event, field("integer")]]) }, new Map([[event, field("number")]]));
    const narrowed = (event: string) =>
      breaksOf({ number: 1, schemas: new Map([[event, field("number")]]) }, new Map([[event, field("integer")]]));
    expect([widened("VideoSplit").length, narrowed("VideoSplit").length]).toEqual([1, 0]);
    expect([widened("SplitRequested").length, narrowed("SplitRequested").length]).toEqual([0, 1]);
  });
});

describe("releasing", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "events-schema-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("given no baseline, then the first one is v1, and is read back unchanged", async () => {
    expect(await release(folder, first)).toBe(1);
    expect(await readBaselines(folder)).toEqual([{ number: 1, schemas: first }]);
  });

  it("given a compatible change, then it becomes the next baseline and the older one stays", async () => {
    await release(folder, first);
    const frozen = await readFile(join(folder, "released/v1/Happened.json"), "utf8");
    expect(await release(folder, withOptional)).toBe(2);
    expect(await readFile(join(folder, "released/v1/Happened.json"), "utf8")).toBe(frozen);
  });

  it("given ten baselines, then they are read in the order of their numbers", async () => {
    for (let number = 1; number <= 10; number += 1) {
      const description = `Release ${number}`;
      await release(folder, new Map([["Happened", { ...field("integer"), description }]]));
    }
    expect((await readBaselines(folder)).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("given what breaks an older baseline than the newest, then it is refused", async () => {
    await release(folder, withOptional);
    await release(folder, new Map([...withOptional, ["Other", field("string")]]));
    await expect(release(folder, new Map([...first, ["Other", field("string")]]))).rejects.toThrow(
      /Against v1: Happened: more was removed/,
    );
  });

  it("given no change, then there is nothing to release", async () => {
    await release(folder, first);
    await expect(release(folder, first)).rejects.toThrow(ReleaseError);
  });
});
