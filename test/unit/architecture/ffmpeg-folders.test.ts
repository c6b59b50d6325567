import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../services/ffmpeg", import.meta.url));

/** Folders of services/ffmpeg; each may import those before it, and itself. */
const LAYERS = ["process", "formats", "source", "proof", "assembly", "copy", "exact"];

const MAX_ENTRIES = 10;
const MAX_LINES = 300;

const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/**
 * The folder on the top level that a file is in; undefined for a file that is in the top folder
 * itself.
 */
const layerOf = (file: string): string | undefined => (file.includes("/") ? file.split("/")[0] : undefined);

/** Files of services/ffmpeg that a file imports. */
const importsOf = (file: string): string[] =>
  [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)]
    .map(([, name]) => relative(ROOT, resolve(ROOT, dirname(file), name!)))
    .filter((imported) => !imported.startsWith(".."));

describe("services/ffmpeg", () => {
  it("has at most ten entries, and its folders are the layers that are known", () => {
    const entries = readdirSync(ROOT, { withFileTypes: true });
    expect(entries.length).toBeLessThanOrEqual(MAX_ENTRIES);
    expect(entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()).toEqual(LAYERS.toSorted());
  });

  it("imports in one direction", () => {
    const wrong = files.flatMap((file) => {
      const layer = layerOf(file);
      if (layer === undefined) return [];
      const allowed = LAYERS.slice(0, LAYERS.indexOf(layer) + 1);
      return importsOf(file)
        .filter((imported) => !allowed.includes(layerOf(imported) ?? ""))
        .map((imported) => `${file} imports ${imported}`);
    });
    expect(files.length).toBeGreaterThan(30);
    expect(wrong).toEqual([]);
  });

  it("has no circle of files", () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      if (done.has(file) || path.includes(file)) return;
      for (const imported of importsOf(file)) visit(imported, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("has no file of more than 300 lines", () => {
    const long = files.filter((file) => textOf(file).split("\n").length > MAX_LINES);
    expect(long).toEqual([]);
  });
});
