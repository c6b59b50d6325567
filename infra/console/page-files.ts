import { join } from "node:path";
import { build } from "esbuild";
import { cachedBuild } from "../packaging/bundle-cache.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = join(import.meta.dirname, "page");

/** The console's page for a browser. */
export type PageFiles = { script: Uint8Array; style: Uint8Array };

const OPTIONS = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  jsx: "automatic",
  jsxImportSource: "preact",
} as const;

async function buildPage() {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(PAGE, "main.tsx"), join(PAGE, "console.css")],
    outdir: ROOT,
    ...OPTIONS,
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const contentOf = (extension: string): Uint8Array =>
    outputFiles.find(({ path }) => path.endsWith(extension))?.contents ?? new Uint8Array();
  return { inputs: Object.keys(metafile.inputs), script: contentOf(".js"), style: contentOf(".css") };
}

/** Bundles the page, or takes what was bundled of the same sources before. */
export const pageFiles = (): Promise<PageFiles> =>
  cachedBuild({ root: ROOT, entry: `${PAGE} ${JSON.stringify(OPTIONS)}` }, buildPage);
