import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodersFor } from "../../../services/ffmpeg/exact/encoders.ts";
import { isCausedByFile } from "../../../services/ffmpeg/process/errors.ts";
import type { VideoFormat } from "../../../services/ffmpeg/source/video-format.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const FORMAT: VideoFormat = {
  codec: "h264",
  profile: "High",
  pixelFormat: "yuv420p",
  alphaMode: false,
  sampleAspect: undefined,
  language: "und",
  colorRange: undefined,
  colorSpace: undefined,
  colorTransfer: undefined,
  colorPrimaries: undefined,
  chromaLocation: undefined,
  fieldOrder: undefined,
  averageFps: 25,
};

describe("listing the encoders of an ffmpeg", () => {
  it("isn't the file's fault when it fails, and is repeated; a successful one is cached", async () => {
    const folder = await temporaryFolder();
    const list = "echo ' V....D libx264              libx264 H.264 (codec h264)'";
    const binary = await standIn(folder, `[ -e ${folder}/broken ] && exit 1\n${list}`);
    const broken = join(folder, "broken");

    await writeFile(broken, "");
    const error = await encodersFor(binary, FORMAT, NEVER).catch((caught: unknown) => caught);
    expect(String(error)).toContain("can't list its encoders");
    expect(isCausedByFile(error)).toBe(false);

    await rm(broken);
    expect(await encodersFor(binary, FORMAT, NEVER)).toMatchObject([{ codec: "h264" }]);
    await writeFile(broken, "");
    expect(await encodersFor(binary, FORMAT, NEVER)).toMatchObject([{ codec: "h264" }]);
  });
});

describe("the encoders for a video format", () => {
  const LIST = ["libx264", "libx265", "libaom-av1"].map((name) => `echo ' V....D ${name}              x'`).join("\n");
  const encoders = async (format: Partial<VideoFormat>, list = LIST) => {
    const binary = await standIn(await temporaryFolder(), list);
    return encodersFor(binary, { ...FORMAT, ...format }, NEVER);
  };
  const optionOf = (options: readonly string[], name: string) => options[options.indexOf(name) + 1];

  it.each([
    ["yuv420p", "yuv420p"],
    ["yuvj422p", "yuvj422p"],
    ["yuv422p10le", "yuv422p10le"],
    ["yuv444p12le", "yuv444p10le"],
    ["yuv411p", "yuv422p"],
    ["gbrp", "yuv444p"],
    ["p010le", "yuv420p10le"],
    ["gray", "yuv420p"],
  ])("in H.264 keep chroma and depth: %s is %s", async (pixelFormat, kept) => {
    const [fallback] = await encoders({ codec: "wmv2", pixelFormat });
    expect(optionOf(fallback!.options, "-pix_fmt")).toBe(kept);
  });

  it("exclude experimental ones, and those that drop transparency", async () => {
    const old = LIST.replace("V....D libaom", "V..X.. libaom");
    expect((await encoders({ codec: "av1" })).map(({ codec }) => codec)).toEqual(["av1", "h264"]);
    expect((await encoders({ codec: "av1" }, old)).map(({ codec }) => codec)).toEqual(["h264"]);
    expect(await encoders({ codec: "qtrle", pixelFormat: "argb" })).toEqual([]);
    expect(await encoders({ codec: "vp9", alphaMode: true })).toEqual([]);
  });

  it("get colours by code point, whatever ffmpeg's names are", async () => {
    const [own] = await encoders({ colorSpace: "gbr", colorTransfer: "iec61966-2-1", colorPrimaries: "bt470bg" });
    expect(optionOf(own!.options, "-color_trc")).toBe("13");
    expect(optionOf(own!.options, "-color_primaries")).toBe("5");
    expect(own!.options).not.toContain("-colorspace");
    const [rgb] = await encoders({ pixelFormat: "gbrp", colorSpace: "gbr" });
    expect(optionOf(rgb!.options, "-colorspace")).toBe("0");
  });
});
