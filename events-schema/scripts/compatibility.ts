import { breaksOf, currentSchemas, readBaselines } from "./baselines.ts";
import { PACKAGE_FOLDER } from "./package-folder.ts";

/**
 * `node events-schema/scripts/compatibility.ts`: refuses a change that breaks users of
 * a released schema.
 */
const baselines = await readBaselines(PACKAGE_FOLDER);
const sentences = baselines.flatMap((baseline) => breaksOf(baseline, currentSchemas()));
for (const sentence of sentences) console.error(sentence);
if (baselines.length === 0) {
  console.error("events-schema/released holds no baseline. Run: node events-schema/scripts/release.ts");
  process.exitCode = 1;
} else if (sentences.length > 0) {
  console.error("A breaking change is a new event beside the old one: see events-schema/README.md, Compatibility.");
  process.exitCode = 1;
}
