import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { checkSource } from "../../../services/ffmpeg/source/checked-source.ts";
import { readSampleTable } from "../../../services/ffmpeg/source/sample-table.ts";
import { scanPackets } from "../../../services/ffmpeg/source/scan-packets.ts";
import { serveSource } from "../../../services/ffmpeg/source/source-server.ts";
import type { PlannedPacket } from "../../../services/split/domain/cut-plan.ts";
import { binaries, makeMedia, type Trait } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const NEVER = new AbortController().signal;

/** A source that counts the bytes read. */
function counted(bytes: Uint8Array) {
  const source = {
    size: bytes.length,
    read: 0,
    ranged: {
      size: bytes.length,
      async *read(start: number, end: number) {
        source.read += end - start + 1;
        yield bytes.subarray(start, end + 1);
      },
    },
  };
  return source;
}

async function packetsByReading(bytes: Uint8Array): Promise<PlannedPacket[]> {
  const server = await serveSource(checkSource(counted(bytes).ranged));
  const packets: PlannedPacket[] = [];
  const { ffprobe } = await binaries;
  try {
    await scanPackets({
      binary: ffprobe,
      address: server.address,
      stream: 0,
      format: "mov",
      signal: NEVER,
      onPacket: (packet) => packets.push(packet),
    });
  } finally {
    await server.close();
  }
  return packets;
}

/** Positions from ffprobe, in bytes. */
async function keyframeSizes(path: string): Promise<number[]> {
  const { ffprobe } = await binaries;
  const asked = ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=size,flags", "-of", "csv=p=0"];
  const { stdout } = await promisify(execFile)(ffprobe, [...asked, path]);
  const packets = stdout.split("\n").map((line) => line.split(","));
  return packets.filter(([, flags]) => flags?.startsWith("K")).map(([size]) => Number(size));
}

const mediaBytes = async (trait: Trait): Promise<Buffer> => readFile(await makeMedia(await temporaryFolder(), trait));

describe("the index of an MP4", () => {
  it.each<Trait>([
    "keyframe-each-second.mp4",
    "b-frames.mp4",
    "moov-at-end.mov",
    "ntsc.mp4",
    "one-keyframe-in-five-seconds.mp4",
  ])("%s: gives the packets that ffprobe finds by reading the file, in a fraction of its bytes", async (trait) => {
    const bytes = await mediaBytes(trait);
    const source = counted(bytes);
    const indexed = [...(await readSampleTable(source.ranged, 0, NEVER))!.packets];
    const read = await packetsByReading(bytes);
    expect(indexed.map(({ key }) => key)).toEqual(read.map(({ key }) => key));
    const shift = read[0]!.time - indexed[0]!.time;
    for (const [index, { time }] of read.entries()) expect(indexed[index]!.time + shift).toBeCloseTo(time, 4);
    expect(source.read).toBeLessThan(bytes.length / 5);
  });

  it.each<Trait>(["keyframe-each-second.mp4", "b-frames.mp4", "moov-at-end.mov", "one-keyframe-in-five-seconds.mp4"])(
    "%s: finds the same bytes of the second keyframe as ffmpeg",
    async (trait) => {
      const path = await makeMedia(await temporaryFolder(), trait);
      const table = await readSampleTable(counted(await readFile(path)).ranged, 0, NEVER);
      const second = (await table!.readSecondKeyframe())?.length;
      expect(second).toBe((await keyframeSizes(path))[1]);
    },
  );

  it("is undefined for a fragmented file, a truncated one, an audio track, and anything but MP4", async () => {
    const table = async (bytes: Uint8Array, stream = 0) => readSampleTable(counted(bytes).ranged, stream, NEVER);
    const whole = await mediaBytes("keyframe-each-second.mp4");
    expect(await table(whole)).toBeDefined();
    expect(await table(whole, 1)).toBeUndefined();
    expect(await table(whole, 7)).toBeUndefined();
    expect(await table(whole.subarray(0, whole.length - 1_000))).toBeUndefined();
    expect(await table(await mediaBytes("fragmented.mp4"))).toBeUndefined();
    expect(await table(await mediaBytes("matroska.mkv"))).toBeUndefined();
    expect(await table(new Uint8Array(0))).toBeUndefined();
  });

  it("returns packets or undefined in bounded time, however it's damaged", async () => {
    const whole = await mediaBytes("moov-at-end.mov");
    const movie = whole.lastIndexOf("moov");
    for (let at = movie; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(0xff, at);
      const table = await readSampleTable(counted(damaged).ranged, 0, NEVER);
      if (table === undefined) continue;
      await table.readSecondKeyframe();
      expect([...table.packets].length).toBeLessThan(2 ** 24);
    }
  });
});
