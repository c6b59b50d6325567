import { appendFileSync } from "node:fs";
import settingsFile from "../../settings.json" with { type: "json" };
import { type Settings, SettingsError, settingsOfStage } from "../settings.ts";

/** What SST shows of an error in `app()` is where its log is: the reason goes to the terminal, where there's one. */
const TERMINAL = "/dev/tty";

const showOnTerminal = (message: string): void => {
  try {
    appendFileSync(TERMINAL, `${message}\n`);
  } catch {
    // A build server has no terminal: SST's log has the message.
  }
};

/**
 * Where a stage is deployed to. Throws where its settings can't be used: no region is touched then,
 * not even to look for SST's state.
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
