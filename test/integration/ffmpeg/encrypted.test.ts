import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { element, elementsIn, integer, readElementHeader } from "../../../services/ffmpeg/formats/matroska/ebml.ts";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=2:size=160x90:rate=25", "-c:v", "libx264", "-g", "25"];
const KEY = "76a6c65c5ea762046bd749a2e632ccbb";
const CENC = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", KEY, "-encryption_kid", KEY];
const ENCRYPTED = { code: "RejectedVideo", reason: "UnreadableMedia", message: expect.stringContaining("encrypted") };

const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;

/** ContentEncodings with one ContentEncryption. RFC 9559, section 5.1.4.1.31. */
const KEYS = element(
  0x6d80,
  element(
    0x6240,
    Buffer.concat([
      element(0x5033, integer(1)),
      element(0x5035, Buffer.concat([element(0x47e1, integer(5)), element(0x47e2, Buffer.from("the key's id"))])),
    ]),
  ),
);

/** A WebM whose tracks say that they are encrypted. Sizes above theirs are unknown, as in a live stream. */
function withKeys(webm: Buffer): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(TRACKS);
  // The index of top-level elements has the id, too.
  const at = webm.lastIndexOf(id);
  const { header, size } = readElementHeader(webm, at)!;
  const end = at + header + size!;
  const entries = [...elementsIn(webm.subarray(at + header, end))].filter((entry) => entry.id === TRACK_ENTRY);
  const tracks = entries.map(({ body }) => element(TRACK_ENTRY, Buffer.concat([body, KEYS])));
  return Buffer.concat([webm.subarray(0, at), element(TRACKS, Buffer.concat(tracks)), webm.subarray(end)]);
}

describe("an encrypted video is rejected as such", () => {
  it.each([
    ["MP4", [], 0],
    ["MP4 that was cut off", ["-movflags", "faststart"], 1_000],
    ["fragmented MP4", ["-movflags", "frag_keyframe+empty_moov"], 0],
  ])("in %s", async (_, options, missingBytes) => {
    const path = join(await temporaryFolder(), "encrypted.mp4");
    await ffmpeg(...VIDEO, ...CENC, ...options, path);
    await truncate(path, (await stat(path)).size - missingBytes);
    const directory = await temporaryFolder();
    for (const cut of ["keyframe", "exact"] as const)
      await expect(cutFile(path, { cut, segmentSeconds: 1, directory })).rejects.toMatchObject(ENCRYPTED);
  });

  it("in WebM", async () => {
    const path = join(await temporaryFolder(), "encrypted.webm");
    const clear = ["-f", "lavfi", "-i", "testsrc2=duration=2:size=160x90:rate=25", "-c:v", "libvpx", "-live", "1"];
    await ffmpeg(...clear, path);
    await writeFile(path, withKeys(await readFile(path)));
    const directory = await temporaryFolder();
    await expect(cutFile(path, { cut: "keyframe", segmentSeconds: 1, directory })).rejects.toMatchObject(ENCRYPTED);
  });
});
