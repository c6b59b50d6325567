import { FfmpegError } from "../process/errors.ts";
import { runFfprobe } from "../process/ffprobe.ts";
import { untrustedInput } from "../process/sandbox.ts";
import { type RangedSource, serveSource } from "./source-server.ts";

/**
 * How long a video is in seconds by its header, which may lie. Undefined where it doesn't say, or isn't one that can be opened. Reads little
 * of it. Throws why the source couldn't be read, and the signal's reason when aborted.
 */
export async function headerLength(
  ffprobe: string,
  source: RangedSource,
  signal: AbortSignal,
): Promise<number | undefined> {
  const server = await serveSource(source);
  let text = "";
  try {
    const args = [...untrustedInput(), "-show_entries", "format=duration", "-of", "csv=p=0", server.url];
    await runFfprobe({
      binary: ffprobe,
      args,
      signal,
      secret: server.url,
      onLine: (line) => {
        text = line;
      },
    });
  } catch (error) {
    const failure = server.failure();
    if (failure !== undefined) throw failure;
    if (!(error instanceof FfmpegError)) throw error;
  } finally {
    await server.close();
  }
  const seconds = Number.parseFloat(text);
  return seconds > 0 ? seconds : undefined;
}
