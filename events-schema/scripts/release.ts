import { currentSchemas, ReleaseError, release } from "./baselines.ts";
import { PACKAGE_FOLDER } from "./package-folder.ts";

/**
 * `node events-schema/scripts/release.ts`: freezes today's schemas as the next baseline in
 * released/.
 */
try {
  console.log(`Frozen as events-schema/released/v${await release(PACKAGE_FOLDER, currentSchemas())}.`);
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
