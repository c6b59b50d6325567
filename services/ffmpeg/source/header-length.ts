import { FfmpegError } from "../process/errors.ts";
import { runFfprobe } from "../process/ffprobe.ts";
import { currentBudget } from "../process/limits.ts";
import { untrustedInput } from "../process/sandbox.ts";
import { checkSource } from "./checked-source.ts";
import { limitFetches } from "./fetch-limit.ts";
import type { RangedSource } from "./ranged-source.ts";
import { readAhead } from "./read-ahead.ts";
import { serveSource } from "./source-server.ts";

/**
 * Duration of a video in seconds, as its header states; it may be wrong. Undefined when the header
 * states none, or the file can't be opened. Reads little of the file. Throws the failure to fetch
 * the source, and the signal's reason.
 */
export async function headerLength(
  ffprobe: string,
  source: RangedSource,
  signal: AbortSignal,
): Promise<number | undefined> {
  const ahead = readAhead(limitFetches(source));
  const checked = checkSource(ahead);
  const server = await serveSource(checked);
  let text = "";
  try {
    const args = [...untrustedInput(), "-show_entries", "format=duration", "-of", "csv=p=0", server.address.url];
    await runFfprobe({
      binary: ffprobe,
      args,
      signal: AbortSignal.any([signal, checked.failed]),
      source: server.address,
      cpuSeconds: currentBudget().probeSeconds,
      onLine: (line) => {
        text = line;
      },
    });
  } catch (error) {
    if (!(error instanceof FfmpegError)) throw error;
  } finally {
    await server.close();
    await ahead.close();
  }
  const seconds = Number.parseFloat(text);
  return seconds > 0 ? seconds : undefined;
}
