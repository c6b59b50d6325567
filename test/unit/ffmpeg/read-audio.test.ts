import { describe, expect, it } from "vitest";
import { Origin } from "../../../services/ffmpeg/assembly/origin.ts";
import { type AudioReading, EarlyAudioBuffer, readAudio } from "../../../services/ffmpeg/assembly/read-audio.ts";
import type { AudioPacket } from "../../../services/ffmpeg/assembly/split-audio-packets.ts";
import type { ReadPacket } from "../../../services/ffmpeg/process/packet-lines.ts";
import { NEVER } from "../../fixtures/quiet.ts";

const MEGABYTE = 2 ** 20;
/** Of every packet. */
const DATA = Buffer.alloc(MEGABYTE);

/** A packet each second, with a time base of milliseconds. */
const packet = (second: number, bytes = 10): ReadPacket => ({
  dts: second * 1_000,
  pts: second * 1_000,
  duration: 1_000,
  size: bytes,
  checksum: "0",
  key: true,
  hasBlockAdditions: false,
  clock: { num: 1, den: 1_000 },
  data: DATA.subarray(0, bytes),
});

/** Yields the packets, and calls the functions between them. */
async function* scripted(...steps: (ReadPacket | (() => void))[]): AsyncGenerator<ReadPacket> {
  for (const step of steps) {
    if (typeof step === "function") step();
    else yield step;
  }
}

async function read(
  origin: Origin,
  packets: AsyncIterable<ReadPacket>,
  { early = new EarlyAudioBuffer(), signal = NEVER, lead = 0 }: Partial<AudioReading> = {},
) {
  const passed: AudioPacket[] = [];
  await readAudio(packets, {
    codec: "aac",
    origin,
    early,
    lead,
    signal,
    onPacket: async (audio) => void passed.push(audio),
  });
  return passed.map(({ time, duration }) => [time, duration]);
}

describe("reading audio", () => {
  it("leaves out empty packets, before the first video frame and behind it", async () => {
    const origin = new Origin();
    const packets = scripted(packet(8, 0), packet(9), () => origin.set(9), packet(10, 0), packet(11));
    expect(await read(origin, packets)).toEqual([
      [0, 1],
      [2, 1],
    ]);
  });

  it("counts time from the first video frame, also for audio before it", async () => {
    const origin = new Origin();
    const packets = scripted(packet(8), packet(9), () => origin.set(10), packet(10), packet(11));
    expect(await read(origin, packets)).toEqual([
      [-2, 1],
      [-1, 1],
      [0, 1],
      [1, 1],
    ]);
  });

  it("waits for the first video frame when all audio comes before it", async () => {
    const origin = new Origin();
    const reading = read(origin, scripted(packet(10)));
    origin.set(10);
    expect(await reading).toEqual([[0, 1]]);
  });

  it("drops audio when no video frame comes", async () => {
    const origin = new Origin();
    const reading = read(
      origin,
      scripted(packet(10), () => origin.end(), packet(11)),
    );
    expect(await reading).toEqual([]);
  });

  it("rejects with the signal's reason when aborted before the first video frame", async () => {
    const aborting = new AbortController();
    const reason = new Error("out of time");
    const reading = read(new Origin(), scripted(packet(10)), { signal: aborting.signal });
    await new Promise((resolve) => setImmediate(resolve));
    aborting.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });

  it("doesn't keep audio that is known to be too far before the first video frame", async () => {
    const origin = new Origin();
    const early = Array.from({ length: 90 }, (_, second) => packet(second, MEGABYTE));
    const passed = await read(
      origin,
      scripted(...early, () => origin.set(90), packet(90)),
      { lead: 90 },
    );
    // Ten seconds, and one of margin.
    expect(passed[0]).toEqual([-11, 1]);
    expect(passed.at(-1)).toEqual([0, 1]);
  });

  it("keeps at most 66 MB before the first video frame, of all tracks together", async () => {
    const megabytes = (count: number) => Array.from({ length: count }, (_, second) => packet(second, MEGABYTE));
    const [origin, early] = [new Origin(), new EarlyAudioBuffer()];
    const first = read(origin, scripted(...megabytes(32)), { early });
    expect(
      await read(
        origin,
        scripted(...megabytes(32), () => origin.set(0)),
        { early },
      ),
    ).toHaveLength(32);
    expect(await first).toHaveLength(32);

    const [unknown, full] = [new Origin(), new EarlyAudioBuffer()];
    void read(unknown, scripted(...megabytes(32)), { early: full });
    await expect(read(unknown, scripted(...megabytes(34)), { early: full })).rejects.toMatchObject({
      code: "RejectedVideo",
      reason: "LimitExceeded",
      message: expect.stringContaining("More than 66 MB of audio come before the first video frame"),
    });
  });
});
