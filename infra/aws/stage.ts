import settingsFile from "../../settings.json" with { type: "json" };
import { parseSettings, type Settings, SettingsError, settingsOfStage } from "../settings.ts";

/**
 * Where a stage is deployed to. Settings that can't be used are `settingsOf`'s to refuse: what is thrown while SST evaluates
 * `app()` its user never gets to see.
 */
export function regionOf(stage: string): string {
  try {
    return settingsOfStage(settingsFile, stage)["dynamodb.region"];
  } catch {
    return parseSettings({})["dynamodb.region"];
  }
}

/** The settings of a stage. What is wrong with them ends the deployment before it begins, in words and without a stack trace. */
export function settingsOf(stage: string): Settings {
  try {
    return settingsOfStage(settingsFile, stage);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new $util.RunError(`settings.json can't be used for stage "${stage}":\n${error.message}`);
  }
}
