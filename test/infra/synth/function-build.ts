import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Build } from "./contract.ts";

/**
 * Writes to `out` the part of SST's builder's output that its components read: a bundle. SST would
 * run `npm install` for packages in `install`, which fails with npm 12; so does this. What is
 * inside of the bundle is other tests' business.
 */
export async function buildFunction({ handler, properties }: Build, out: string) {
  if (Object.keys(properties.install ?? {}).length > 0)
    throw new Error("npm error code EUNKNOWNCONFIG: npm 12 has no --platform and no --arch");
  await mkdir(out, { recursive: true });
  const name = handler.slice(handler.lastIndexOf(".") + 1);
  await writeFile(join(out, "bundle.mjs"), `export const ${name} = async () => {};\n`);
  return { handler: `bundle.${name}`, out, errors: [], sourcemaps: [] };
}
