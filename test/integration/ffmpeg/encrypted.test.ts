import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FfprobeOutput } from "../../../services/ffmpeg/source/describe.ts";
import { assertTracksAreClear } from "../../../services/ffmpeg/source/encryption.ts";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=2:size=160x90:rate=25", "-c:v", "libx264", "-g", "25"];
const KEY = "76a6c65c5ea762046bd749a2e632ccbb";
const CENC = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", KEY, "-encryption_kid", KEY];
const ENCRYPTED = { code: "RejectedVideo", reason: "UnreadableMedia", message: expect.stringContaining("encrypted") };

describe("an encrypted video is rejected as such", () => {
  it.each([
    ["MP4", []],
    ["fragmented MP4", ["-movflags", "frag_keyframe+empty_moov"]],
  ])("in %s", async (_, options) => {
    const path = join(await temporaryFolder(), "encrypted.mp4");
    await ffmpeg(...VIDEO, ...CENC, ...options, path);
    const directory = await temporaryFolder();
    for (const cut of ["keyframe", "exact"] as const)
      await expect(cutFile(path, { cut, segmentSeconds: 1, directory })).rejects.toMatchObject(ENCRYPTED);
  });

  it("in Matroska, by the key's id", () => {
    const described = (tags: object) =>
      FfprobeOutput.parse({ format: { format_name: "matroska,webm" }, streams: [{ index: 0, tags }], programs: [] });
    expect(() => assertTracksAreClear(described({ language: "eng" }))).not.toThrow();
    const thrown = expect.objectContaining(ENCRYPTED);
    expect(() => assertTracksAreClear(described({ enc_key_id: "uDAI+Y0RD5IF" }))).toThrow(thrown);
  });
});
