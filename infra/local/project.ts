import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Settings, SettingsError, settingsOfStage } from "../settings.ts";

export const PROJECT_ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Reads `settings.json`. Throws `SettingsError`. */
export async function loadSettings(stage: string): Promise<Settings> {
  const text = await readFile(join(PROJECT_ROOT, "settings.json"), "utf8");
  try {
    return settingsOfStage(JSON.parse(text), stage);
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new SettingsError(`settings.json is not valid JSON: ${error.message}`, { cause: error });
    throw error;
  }
}
