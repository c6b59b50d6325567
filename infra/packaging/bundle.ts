import { existsSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Metafile, type Plugin } from "esbuild";
import { type Bundle, BundleError } from "../emulator/lambda/index.ts";
import { cachedBuild } from "./bundle-cache.ts";
import { BUNDLING, PROGRAM_PACKAGES, SST_DEFAULTS } from "./bundling.ts";

/**
 * The same as SST's: packages in CommonJS (fluent-ffmpeg) call `require`, which a module doesn't
 * have.
 */
const REQUIRE_BANNER = [
  'import { createRequire as bundleCreateRequire } from "node:module";',
  'import { dirname as bundleDirname } from "node:path";',
  "const require = bundleCreateRequire(import.meta.url);",
  "const __filename = import.meta.filename;",
  "const __dirname = bundleDirname(__filename);",
].join(" ");

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs"];

export const BUNDLE_FILE = "bundle.mjs";

function entryOf(handler: string, root: string): { entry: string; exportName: string } {
  const exportName = extname(handler).slice(1);
  const path = resolve(root, handler.slice(0, -exportName.length - 1));
  const entry = EXTENSIONS.map((extension) => path + extension).find(existsSync);
  if (exportName === "" || entry === undefined)
    throw new BundleError(
      `No handler "${handler}": it must be a file without its extension (${EXTENSIONS.join(", ")}), a dot and an export`,
    );
  return { entry, exportName };
}

/** Links to the packages that aren't in the bundle, so that it finds them from any folder. */
async function linkPackages(root: string, directory: string): Promise<void> {
  for (const name of PROGRAM_PACKAGES) {
    const installed = join(root, "node_modules", name);
    if (!existsSync(installed)) continue;
    const link = join(directory, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(installed, link, "dir");
  }
}

function bytesByPackage(output: Metafile["outputs"][string] | undefined): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? "own";
    bytes[name] = (bytes[name] ?? 0) + bytesInOutput;
  }
  return bytes;
}

type Built = {
  /** Paths of its input files, relative to the root. */
  inputs: string[];
  files: { path: string; contents: Uint8Array }[];
  hash: string;
  packages: Record<string, number>;
};

const CONTRACT = "@video-split/events-schema";

/**
 * The contract that a handler in another folder imports: the one that is installed there, or this
 * project's own.
 */
const contractOf = (root: string): Plugin => ({
  name: "contract",
  setup: ({ onResolve, resolve: resolveImport }) => {
    onResolve({ filter: new RegExp(`^${CONTRACT}$`) }, async ({ path, pluginData, ...from }) => {
      if (pluginData === CONTRACT) return undefined;
      const { importer, namespace, resolveDir, kind } = from;
      const installed = await resolveImport(path, { importer, namespace, resolveDir, kind, pluginData: CONTRACT });
      if (installed.errors.length === 0) return { path: installed.path };
      return { path: join(root, "events-schema/src/index.ts") };
    });
  },
});

async function buildModule(entry: string, root: string): Promise<Built> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: join(root, BUNDLE_FILE),
    bundle: true,
    ...BUNDLING,
    ...SST_DEFAULTS,
    mainFields: [...SST_DEFAULTS.mainFields],
    sourcemap: true,
    // Stack traces name the sources, wherever the bundle is.
    sourceRoot: `${pathToFileURL(root).href}/`,
    banner: { js: REQUIRE_BANNER },
    external: [...PROGRAM_PACKAGES],
    plugins: [contractOf(root)],
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  return {
    inputs: Object.keys(metafile.inputs),
    files: outputFiles.map(({ path, contents }) => ({ path: basename(path), contents })),
    hash: outputFiles.map(({ hash: ofFile }) => ofFile).join(" "),
    packages: bytesByPackage(Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined)),
  };
}

/**
 * Bundles a handler into one module in `directory`, which is created, the way SST does before it
 * deploys. It's built again only if a source has changed. Throws `BundleError`.
 */
export async function bundle(handler: string, options: { root: string; directory: string }): Promise<Bundle> {
  const { root, directory } = options;
  const { entry, exportName } = entryOf(handler, root);
  try {
    const { inputs, files, hash, packages } = await cachedBuild({ root, entry }, () => buildModule(entry, root));
    await mkdir(directory, { recursive: true });
    await Promise.all(files.map(({ path, contents }) => writeFile(join(directory, path), contents)));
    await linkPackages(root, directory);
    const sources = inputs.filter((path) => !path.includes("node_modules/")).map((path) => resolve(root, path));
    return { file: join(directory, BUNDLE_FILE), exportName, hash, sources, packages };
  } catch (cause) {
    throw new BundleError(`${handler} can't be bundled: ${(cause as Error).message}`, { cause });
  }
}
