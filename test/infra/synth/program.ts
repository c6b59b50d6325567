import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import type * as Esbuild from "esbuild";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { PLATFORM } from "./platform.ts";

/** What SST prepends to its own bundle, so that packages in CommonJS find `require` and where they are. */
const BANNER = `
import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"
const __filename = topLevelFileUrlToPath(import.meta.url)
const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))
`;

const EXTERNAL = [
  "@pulumi/*",
  "undici",
  "@pulumiverse/*",
  "@sst-provider/*",
  "@aws-sdk/*",
  "esbuild",
  "archiver",
  "glob",
  "vite",
];

const OWN_CONFIG = join(PROJECT_ROOT, "sst.config.ts");

/** SST's own esbuild, so that what it can't read fails here too. */
const esbuild = (): typeof Esbuild => createRequire(join(PLATFORM, "package.json"))("esbuild");

/** sst.config.ts may import nothing at its top, where there are no components yet. */
const noTopLevelImports: Esbuild.Plugin = {
  name: "no-top-level-imports",
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ importer, kind, path }) =>
      basename(importer) === "sst.config.ts" && kind === "import-statement"
        ? { errors: [{ text: `sst.config.ts imports ${path} at its top level` }] }
        : undefined,
    );
  },
};

/** `aws` and `sst` are global in a project's files, by an import in front of each. */
const globals: Esbuild.Plugin = {
  name: "globals",
  setup(build) {
    const imports = `import * as aws from "@pulumi/aws"; import * as sst from "${join(PLATFORM, "src/components")}";\n`;
    build.onLoad({ filter: /\.(js|ts|jsx|tsx)$/ }, async ({ path }) => {
      if (path.includes(".sst")) return undefined;
      return { contents: imports + (await readFile(path, "utf8")), loader: "default" };
    });
  },
};

/** The settings are the run's, so that one bundle serves every stage and every case. */
const settings: Esbuild.Plugin = {
  name: "settings",
  setup(build) {
    build.onLoad({ filter: /[\\/]settings\.json$/ }, () => ({ contents: "export default globalThis.synth.settings;" }));
  },
};

type Bundling = { code: string; outfile: string } & Pick<
  Esbuild.BuildOptions,
  "plugins" | "define" | "inject" | "banner"
>;

async function bundle({ code, ...options }: Bundling): Promise<void> {
  await esbuild().build({
    absWorkingDir: PROJECT_ROOT,
    mainFields: ["module", "main"],
    format: "esm",
    platform: "node",
    sourcemap: "linked",
    stdin: { contents: code, resolveDir: PROJECT_ROOT, sourcefile: "eval.ts", loader: "ts" },
    nodePaths: [join(PLATFORM, "node_modules")],
    external: EXTERNAL,
    bundle: true,
    logLevel: "silent",
    ...options,
  });
}

/** The two bundles of a configuration, until they are removed. */
export type Program = { app: string; run: string };

export async function removeProgram(program: Program): Promise<void> {
  const files = Object.values(program).flatMap((file) => [file, `${file}.map`]);
  await Promise.all(files.map((file) => rm(file, { force: true })));
}

/**
 * Bundles an app's sst.config.ts, this one's where none is given, as SST 4.17.1 does before a deployment (its pkg/js/js.go and pkg/project): once to evaluate
 * `app()`, once to execute `run()` among SST's components. Both modules read `globalThis.synth`. Written beside SST's
 * own, since what is external is looked up from there.
 */
export async function bundleProgram(name: string, config = OWN_CONFIG): Promise<Program> {
  const program = { app: join(PLATFORM, `${name}.app.mjs`), run: join(PLATFORM, `${name}.run.mjs`) };
  await Promise.all([
    bundle({
      outfile: program.app,
      banner: { js: `${BANNER}function $config(input) { return input }` },
      plugins: [noTopLevelImports, settings],
      code: `import config from "${config}"; export const app = config.app;`,
    }),
    bundle({
      outfile: program.run,
      banner: { js: BANNER },
      plugins: [settings, globals],
      define: { $app: "globalThis.synth.app", $cli: "globalThis.synth.cli", $dev: "globalThis.synth.dev" },
      inject: [join(PLATFORM, "src/shim/run.js")],
      code: `
        import { run } from "${join(PLATFORM, "src/auto/run.ts")}";
        import config from "${config}";
        import { execute } from "${join(import.meta.dirname, "engine.ts")}";
        await execute(() => run(config.run));
      `,
    }),
  ]);
  return program;
}
