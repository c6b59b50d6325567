import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { REJECTION_REASONS } from "../../../events-schema/src/events.ts";
import { eventTypes } from "../../../events-schema/src/index.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { SettingsSchema } from "../../../infra/settings.ts";

const read = (path: string): string => readFileSync(join(PROJECT_ROOT, path), "utf8");

async function pages(): Promise<string[]> {
  const names = await readdir(join(PROJECT_ROOT, "docs"), { recursive: true });
  const docs = names.filter((name) => name.endsWith(".md")).map((name) => join("docs", name));
  return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "events-schema/README.md", ...docs];
}

/** As the host that renders the pages makes them. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, "");

const anchorsOf = (text: string): string[] =>
  [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));

/** Links of a page that lead nowhere. */
function brokenLinks(page: string): string[] {
  const targets = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : relative(PROJECT_ROOT, join(PROJECT_ROOT, dirname(page), path));
      if (!existsSync(join(PROJECT_ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(read(file)).includes(anchor);
    })
    .map((target) => `${page}: ${target}`);
}

it("every link in the documents leads somewhere", async () => {
  expect((await pages()).flatMap(brokenLinks)).toEqual([]);
});

describe("the reference is complete", () => {
  it.each([
    ["settings", Object.keys(SettingsSchema.shape)],
    ["events", eventTypes],
    ["errors", REJECTION_REASONS],
    [
      "commands",
      Object.keys(JSON.parse(read("package.json")).scripts).filter(
        (name) => !/^(fix|lint|types|schema|boundaries)/.test(name),
      ),
    ],
  ])("%s", (page, names) => {
    const text = read(`docs/reference/${page}.md`);
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });
});

it("the README can be read in a few minutes", () => {
  expect(read("README.md").split(/\s+/).length).toBeLessThanOrEqual(900);
});
