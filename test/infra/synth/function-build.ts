import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { elfHeader } from "../../fixtures/elf.ts";
import type { Build, SynthOptions } from "./contract.ts";

type Architecture = NonNullable<SynthOptions["programs"]>;

/** Where the packages that ship programs have them, for an architecture. */
const programsOf = (name: string, architecture: Architecture): string[] => {
  const npm = architecture === "arm64" ? "linux-arm64" : "linux-x64";
  if (name === "ffmpeg-static") return ["ffmpeg-static/ffmpeg"];
  return name === "@ffprobe-installer/ffprobe" ? [`@ffprobe-installer/${npm}/ffprobe`] : [];
};

async function installPrograms(packages: string[], out: string, architecture: Architecture): Promise<void> {
  for (const program of packages.flatMap((name) => programsOf(name, architecture))) {
    const file = join(out, "node_modules", program);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, elfHeader(architecture));
    await chmod(file, 0o755);
  }
}

/**
 * Leaves in `out` what SST's builder leaves there, as far as its components look at it: a bundle, and the packages that
 * are installed beside it. What is inside of the bundle is other tests' business.
 */
export async function buildFunction(
  { handler, properties }: Build,
  { out, programs }: { out: string; programs: SynthOptions["programs"] },
) {
  await mkdir(out, { recursive: true });
  const name = handler.slice(handler.lastIndexOf(".") + 1);
  await writeFile(join(out, "bundle.mjs"), `export const ${name} = async () => {};\n`);
  const packages = Object.keys(properties.install ?? {});
  if (packages.length > 0) {
    await writeFile(join(out, "package.json"), JSON.stringify({ dependencies: properties.install }));
    if (programs) await installPrograms(packages, out, programs);
  }
  return { handler: `bundle.${name}`, out, errors: [], sourcemaps: [] };
}
