import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AudioOutput } from "../../../services/ffmpeg/assembly/audio-output.ts";
import { AudioRouter } from "../../../services/ffmpeg/assembly/audio-router.ts";
import { SpoolFolder } from "../../../services/ffmpeg/assembly/spool.ts";
import { matroskaHeader } from "../../../services/ffmpeg/formats/matroska/writer.ts";
import type { AudioTrack } from "../../../services/ffmpeg/source/describe.ts";
import { SeekError } from "../../../services/ffmpeg/source/seek-point.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const TRACK = { index: 1, codec: "aac", lead: 0, rate: 44_100 } as AudioTrack;
const COPIED = { codec: "aac" } as AudioOutput;

/** Segments of 10 seconds, of which the second is the first one to make. */
async function openSeekedRouter() {
  const spools = await SpoolFolder.create(join(await temporaryFolder(), "spools"));
  const routing = { starts: [0, 10, 20], from: 1, isSeeked: true, audio: [TRACK], audioOutputs: [COPIED], spools };
  const router = new AudioRouter(routing);
  const header = matroskaHeader([]);
  return (time: number) => router.add(header, 0, { time, duration: 0.02, data: Buffer.alloc(4) });
}

describe("the first audio packet that is read after a seek", () => {
  it("may be before the segment's start", async () => {
    await (await openSeekedRouter())(9.5);
  });

  it("fails the reading when it comes later: audio may be stored before the seek point", async () => {
    await expect((await openSeekedRouter())(10.5)).rejects.toBeInstanceOf(SeekError);
  });

  it("fails the reading when it's just before: it may be incomplete, or its time uncertain", async () => {
    await expect((await openSeekedRouter())(9.9)).rejects.toBeInstanceOf(SeekError);
  });
});
