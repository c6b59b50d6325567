import { type Binaries, findBinaries, oldProgramsWarning } from "../../services/ffmpeg/index.ts";
import { writeLines } from "./lines.ts";

/**
 * The ffmpeg and ffprobe that a command uses, found by its environment. Prints one warning on
 * stderr where one of them is old. Throws `MissingBinaryError`.
 */
export async function findPrograms(environment: Record<string, string | undefined>): Promise<Binaries> {
  const { FFMPEG_PATH, FFMPEG_BIN, FFPROBE_PATH, FFPROBE_BIN, PATH: path } = environment;
  const where = { ffmpegPath: FFMPEG_PATH ?? FFMPEG_BIN, ffprobePath: FFPROBE_PATH ?? FFPROBE_BIN, path };
  const binaries = await findBinaries(where);
  const warning = await oldProgramsWarning(binaries);
  if (warning !== undefined) writeLines(process.stderr, `Warning: ${warning}`);
  return binaries;
}
