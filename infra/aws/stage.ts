import { appendFileSync } from "node:fs";
import settingsFile from "../../settings.json" with { type: "json" };
import { type Settings, SettingsError, settingsOfStage } from "../settings.ts";

/**
 * For an error in `app()` SST prints only the path of its log, so the message is written to the
 * terminal.
 */
const TERMINAL = "/dev/tty";

const showOnTerminal = (message: string): void => {
  try {
    appendFileSync(TERMINAL, `${message}\n`);
  } catch {
    // A build server has no terminal: SST's log has the message.
  }
};

/**
 * The region of a stage. Throws for invalid settings, before anything in a region is read, even
 * SST's state.
 */
export function regionOf(stage: string): string {
  try {
    return settingsOfStage(settingsFile, stage)["dynamodb.region"];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const message = `settings.json can't be used for stage "${stage}":\n${error.message}`;
    showOnTerminal(message);
    throw new Error(message, { cause: error });
  }
}

/** The settings of a stage that `regionOf` accepted. */
export const settingsOf = (stage: string): Settings => settingsOfStage(settingsFile, stage);
