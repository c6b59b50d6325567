import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "vitest";
import { ffmpegMediaTools } from "../../../services/ffmpeg/index.ts";
import { binaries, ffmpeg } from "../../fixtures/media.ts";
import { KEEPS_NEXT_TO_NOTHING } from "../../fixtures/read-ahead.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { mediaToolsContract } from "../../ports/media-tools.suite.ts";

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=6:size=320x180:rate=1"];

const contractOf = (extension: string) =>
  mediaToolsContract(`ffmpeg, on ${extension}`, async () => {
    const path = join(await temporaryFolder(), `six-seconds.${extension}`);
    await ffmpeg(...VIDEO, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "1", path);
    return {
      tools: ffmpegMediaTools(await binaries, { readAhead: KEEPS_NEXT_TO_NOTHING }),
      bytes: await readFile(path),
      extension,
    };
  });

contractOf("mp4");

describe("other containers", { tags: "full" }, () => {
  contractOf("mkv");
  contractOf("ts");
});
