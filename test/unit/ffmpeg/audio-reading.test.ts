import { describe, expect, it } from "vitest";
import type { AudioPacket } from "../../../services/ffmpeg/assembly/audio-division.ts";
import { HeldAudio, readAudio } from "../../../services/ffmpeg/assembly/audio-reading.ts";
import { Origin } from "../../../services/ffmpeg/assembly/origin.ts";
import type { ReadPacket } from "../../../services/ffmpeg/process/packet-lines.ts";
import { NEVER } from "../../fixtures/quiet.ts";

const MEGABYTE = 2 ** 20;
/** Of every packet. */
const DATA = Buffer.alloc(MEGABYTE);

/** A packet each second, on a clock of thousandths. */
const packet = (second: number, bytes = 10): ReadPacket => ({
  dts: second * 1_000,
  pts: second * 1_000,
  duration: 1_000,
  size: bytes,
  checksum: "0",
  key: true,
  hasAdditions: false,
  clock: { num: 1, den: 1_000 },
  data: DATA.subarray(0, bytes),
});

/** Yields packets, and calls what stands between them. */
async function* scripted(...steps: (ReadPacket | (() => void))[]): AsyncGenerator<ReadPacket> {
  for (const step of steps) {
    if (typeof step === "function") step();
    else yield step;
  }
}

async function read(
  origin: Origin,
  packets: AsyncIterable<ReadPacket>,
  held = new HeldAudio(),
  signal = NEVER,
  lead = 0,
) {
  const passed: AudioPacket[] = [];
  await readAudio(packets, {
    codec: "aac",
    origin,
    held,
    lead,
    signal,
    onPacket: async (audio) => void passed.push(audio),
  });
  return passed.map(({ time, duration }) => [time, duration]);
}

describe("reading sound", () => {
  it("counts time from the first picture, also of sound that comes before it", async () => {
    const origin = new Origin();
    const packets = scripted(packet(8), packet(9), () => origin.set(10), packet(10), packet(11));
    expect(await read(origin, packets)).toEqual([
      [-2, 1],
      [-1, 1],
      [0, 1],
      [1, 1],
    ]);
  });

  it("waits for the first picture where all sound comes before it", async () => {
    const origin = new Origin();
    const reading = read(origin, scripted(packet(10)));
    origin.set(10);
    expect(await reading).toEqual([[0, 1]]);
  });

  it("drops sound where no picture ever comes", async () => {
    const origin = new Origin();
    const reading = read(
      origin,
      scripted(packet(10), () => origin.end(), packet(11)),
    );
    expect(await reading).toEqual([]);
  });

  it("rejects with the signal's reason where it's aborted before the first picture", async () => {
    const aborting = new AbortController();
    const reason = new Error("out of time");
    const reading = read(new Origin(), scripted(packet(10)), new HeldAudio(), aborting.signal);
    await new Promise((resolve) => setImmediate(resolve));
    aborting.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });

  it("holds no sound that is known to come too long before the first picture", async () => {
    const origin = new Origin();
    const early = Array.from({ length: 90 }, (_, second) => packet(second, MEGABYTE));
    const passed = await read(
      origin,
      scripted(...early, () => origin.set(90), packet(90)),
      new HeldAudio(),
      NEVER,
      90,
    );
    // Ten seconds, and one to be sure.
    expect(passed[0]).toEqual([-11, 1]);
    expect(passed.at(-1)).toEqual([0, 1]);
  });

  it("holds at most 66 MB before the first picture, of all tracks together", async () => {
    const megabytes = (count: number) => Array.from({ length: count }, (_, second) => packet(second, MEGABYTE));
    const [origin, held] = [new Origin(), new HeldAudio()];
    const first = read(origin, scripted(...megabytes(32)), held);
    expect(
      await read(
        origin,
        scripted(...megabytes(32), () => origin.set(0)),
        held,
      ),
    ).toHaveLength(32);
    expect(await first).toHaveLength(32);

    const [unknown, full] = [new Origin(), new HeldAudio()];
    void read(unknown, scripted(...megabytes(32)), full);
    await expect(read(unknown, scripted(...megabytes(34)), full)).rejects.toMatchObject({
      code: "RejectedVideo",
      reason: "LimitExceeded",
      message: expect.stringContaining("More than 66 MB of sound come before the first picture"),
    });
  });
});
