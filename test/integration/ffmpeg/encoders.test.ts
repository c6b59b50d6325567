import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodersFor } from "../../../services/ffmpeg/exact/encoders.ts";
import { isOfTheFile } from "../../../services/ffmpeg/process/errors.ts";
import type { PictureFormat } from "../../../services/ffmpeg/source/picture-format.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const FORMAT: PictureFormat = {
  codec: "h264",
  profile: "High",
  pixelFormat: "yuv420p",
  alphaMode: false,
  sampleAspect: undefined,
  colorRange: undefined,
  colorSpace: undefined,
  colorTransfer: undefined,
  colorPrimaries: undefined,
  chromaLocation: undefined,
  fieldOrder: undefined,
  averageFps: 25,
};

describe("listing the encoders of an ffmpeg", () => {
  it("that fails says nothing about the file, and is tried again; one that succeeds is kept", async () => {
    const folder = await temporaryFolder();
    const list = "echo ' V....D libx264              libx264 H.264 (codec h264)'";
    const binary = await standIn(folder, `[ -e ${folder}/broken ] && exit 1\n${list}`);
    const broken = join(folder, "broken");

    await writeFile(broken, "");
    const error = await encodersFor(binary, FORMAT, NEVER).catch((caught: unknown) => caught);
    expect(String(error)).toContain("can't list its encoders");
    expect(isOfTheFile(error)).toBe(false);

    await rm(broken);
    expect(await encodersFor(binary, FORMAT, NEVER)).toMatchObject([{ codec: "h264" }]);
    await writeFile(broken, "");
    expect(await encodersFor(binary, FORMAT, NEVER)).toMatchObject([{ codec: "h264" }]);
  });
});
