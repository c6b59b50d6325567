import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";

const PAGES = globSync(["*.md", "docs/**/*.md", "events-schema/README.md", "infra/emulator/README.md"], {
  cwd: PROJECT_ROOT,
});

/** Keys in a bucket, folders that commands create, and files of ffmpeg's and SST's own sources. */
const NOT_OURS = /^(?:uploads\/|\.local\/|\.sst\/|fftools\/|naming\.ts$)/;

/** Text in backticks that looks like a path: of a file or a folder, or a source file's name. */
function pathsIn(text: string): string[] {
  const code = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/`([\w./*-]+)`/g)].map(([, path = ""]) => path);
  return code.filter(
    (path) =>
      !NOT_OURS.test(path) &&
      (/\/.*\.\w+$|\w\/$/.test(path) ||
        /^(?:services|infra|test|docs|events-schema)\//.test(path) ||
        /^[a-z0-9.-]+\.ts$/.test(path)),
  );
}

const FILES = globSync(["*", ".vscode/*", "{services,infra,test,docs,events-schema}/**"], {
  cwd: PROJECT_ROOT,
  exclude: ["**/node_modules/**"],
});

/** Pages shorten a path to what follows its first two folders, and to a name in a list of files. */
const EXISTING = new Set(FILES.flatMap((file) => [file, basename(file), file.split("/").slice(2).join("/")]));

function exists(path: string, page: string): boolean {
  if (path.includes("*")) return globSync(path, { cwd: PROJECT_ROOT }).length > 0;
  return [path, join(dirname(page), path)].some((one) => EXISTING.has(one.replace(/\/$/, "")));
}

it("finds a path that doesn't exist", () => {
  const text =
    "`services/split/gone.ts`, `domain/gone/`, `gone.test.ts`, `test/gone`; not `a.mp4`, `uploads/a.mp4`, `1/2`";
  expect(pathsIn(text)).toEqual(["services/split/gone.ts", "domain/gone/", "gone.test.ts", "test/gone"]);
  expect(pathsIn(text).filter((path) => exists(path, "docs/page.md"))).toEqual([]);
  expect(["domain/fold.ts", "sub/fold.ts"].map((path) => exists(path, "docs/page.md"))).toEqual([true, false]);
});

it.each(PAGES)("%s names files and folders that exist", (page) => {
  const paths = pathsIn(readFileSync(join(PROJECT_ROOT, page), "utf8"));
  expect([...new Set(paths)].filter((path) => !exists(path, page))).toEqual([]);
});
