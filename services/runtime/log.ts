import { Logger } from "@aws-lambda-powertools/logger";
import type { Log } from "../video/ports/log.ts";

const wrap = (logger: Logger): Log => ({
  info: (message, fields = {}) => logger.info(message, fields),
  warn: (message, fields = {}) => logger.warn(message, fields),
  with: (fields) => wrap(logger.createChild({ persistentKeys: { ...logger.getPersistentLogAttributes(), ...fields } })),
});

/**
 * A Powertools logger: JSON lines whose level, sampling and format follow the POWERTOOLS_
 * variables.
 */
export const powertoolsLog = (serviceName: string): Log => wrap(new Logger({ serviceName }));
