import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pinnedVersions } from "../../../infra/bundling.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { parseSettings } from "../../../infra/settings.ts";
import { LOCAL_NAMES, topology } from "../../../infra/topology.ts";

it("given the packages that are shipped with a function, then package.json pins each", async () => {
  const manifest = JSON.parse(await readFile(join(PROJECT_ROOT, "package.json"), "utf8"));
  const { split, projector } = topology(parseSettings({}), LOCAL_NAMES).functions;
  expect(Object.keys(pinnedVersions(split.packages, manifest))).toEqual([...split.packages]);
  expect(pinnedVersions(projector.packages, manifest)).toEqual({});
});

it.each([{}, { optionalDependencies: { "ffmpeg-static": "^5.3.0" } }, { dependencies: { "ffmpeg-static": "*" } }])(
  "given a package.json with %j, then shipping ffmpeg-static is refused",
  (manifest) =>
    expect(() => pinnedVersions(["ffmpeg-static"], manifest)).toThrow("must pin ffmpeg-static to an exact version"),
);
