import { drift, generate } from "./generated-files.ts";
import { PACKAGE_FOLDER } from "./package-folder.ts";

/**
 * `node events-schema/scripts/generate.ts [--check]`: writes json/ and examples/, or reports what
 * would change.
 */
const unknown = process.argv.slice(2).filter((argument) => argument !== "--check");
if (unknown.length > 0) {
  console.error(`Unknown argument ${unknown.join(" ")}; the only one is --check.`);
  process.exitCode = 2;
} else if (process.argv.includes("--check")) {
  const sentences = await drift(PACKAGE_FOLDER);
  for (const sentence of sentences) console.error(`events-schema/${sentence}`);
  if (sentences.length > 0) {
    console.error("Run: node events-schema/scripts/generate.ts");
    process.exitCode = 1;
  }
} else {
  const touched = await generate(PACKAGE_FOLDER);
  for (const name of touched) console.log(`events-schema/${name}`);
  if (touched.length === 0) console.log("Nothing changed.");
}
