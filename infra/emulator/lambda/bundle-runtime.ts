import { join } from "node:path";
import { build } from "esbuild";

/**
 * Bundles the code that runs a handler in its process into `directory`, as plain JavaScript:
 * stripping types would make every cold start slower. Returns the module to start.
 */
export async function bundleRuntime(directory: string): Promise<string> {
  const sources = join(import.meta.dirname, "runtime");
  await build({
    entryPoints: [join(sources, "bootstrap.ts"), join(sources, "lifeline.ts")],
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    logLevel: "silent",
  });
  return join(directory, "bootstrap.mjs");
}
