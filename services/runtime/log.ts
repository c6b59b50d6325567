import { Logger } from "@aws-lambda-powertools/logger";
import type { Log } from "../video/ports/log.ts";

/** `common`: fields of each line. A child logger for them would take longer than a line. */
const wrap = (logger: Logger, common: Record<string, unknown>): Log => ({
  info: (message, fields) => logger.info(message, { ...common, ...fields }),
  warn: (message, fields) => logger.warn(message, { ...common, ...fields }),
  with: (fields) => wrap(logger, { ...common, ...fields }),
});

/**
 * A Powertools logger: JSON lines whose level, sampling and format follow the POWERTOOLS_
 * variables.
 */
export const powertoolsLog = (serviceName: string): Log => wrap(new Logger({ serviceName }), {});
