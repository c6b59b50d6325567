import { describe, expect, it } from "vitest";
import { groupsOf } from "../../independent/boundaries/decoders.ts";
import { intervalsOf, newMessages, packetPlaces, unchangedIn } from "../../independent/boundaries/judge.ts";
import type { Slices } from "../../independent/boundaries/measure.ts";
import type { Frame } from "../../independent/video.ts";

const framesAt = (times: readonly number[], keys: readonly number[] = []): Frame[] =>
  times.map((time, at) => ({ time, duration: 0.04, isKey: keys.includes(at) }) as Frame);

/** Packets in decode order, by their places in presentation order. */
const packetsOf = (order: readonly number[], keys: readonly number[], changeAt = Infinity): Slices[] =>
  order.map((place) => ({
    ...{ time: place * 0.04, duration: 0.04, isKey: keys.includes(place), hash: String(place) },
    description: place < changeAt ? 0 : 1,
  }));

describe("where segments must begin", () => {
  it("on the first frame of each window", () => {
    const frames = framesAt([10, 10.5, 11, 11.5, 12, 12.5]);
    expect(intervalsOf(frames, 1)).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 4 },
      { from: 4, to: 6 },
    ]);
  });

  it("a pause without frames has no segment, and a short remainder none of its own", () => {
    const frames = framesAt([0, 0.5, 5, 5.5, 6]);
    expect(intervalsOf(frames, 1)).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 5 },
    ]);
  });
});

describe("what must be unchanged", () => {
  const order = [0, 3, 1, 2, 6, 4, 5, 7, 10, 8, 9];
  const source = (keys: readonly number[], changeAt?: number) => ({
    frames: framesAt(
      [...order.keys()].map((place) => place * 0.04),
      keys,
    ),
    packets: packetsOf(order, keys, changeAt),
  });
  const unchanged = (keys: readonly number[], from: number, to: number, changeAt?: number) => {
    const { frames, packets } = source(keys, changeAt);
    return unchangedIn({ from, to }, { frames, packets }, packetPlaces(frames, packets)!);
  };

  it("is what follows the keyframe, up to the last frame that needs none behind the segment", () => {
    expect(unchanged([0, 7], 5, 10)).toEqual({ from: 7, to: 8 });
    expect(unchanged([0, 7], 5, 11)).toEqual({ from: 7, to: 11 });
    expect(unchanged([0, 7], 0, 6)).toEqual({ from: 0, to: 4 });
  });

  it("is what has one sample description: the longer one", () => {
    expect(unchanged([0, 7], 0, 11, 7)).toEqual({ from: 0, to: 7 });
    expect(unchanged([0, 7], 5, 11, 7)).toEqual({ from: 7, to: 11 });
    expect(unchanged([4, 7], 4, 11, 7)).toEqual({ from: 7, to: 11 });
  });

  it("is nothing without a keyframe", () => {
    expect(unchanged([0], 5, 11)).toEqual({ from: 11, to: 11 });
  });

  it("isn't known where packets aren't frames", () => {
    const { frames, packets } = source([0]);
    expect(packetPlaces(frames, packets.slice(1))).toBeUndefined();
  });
});

it("a stream is divided at IDR pictures, with the parameter sets in front of them", () => {
  const unit = (...bytes: number[]) => Buffer.from([0, 0, 0, 1, ...bytes]);
  const [sets, idr, second, slice] = [unit(0x67, 1), unit(0x65, 0x88), unit(0x65, 0x48), unit(0x41, 0x9a)];
  const first = [sets, idr, second, slice, slice];
  const groups = groupsOf(Buffer.concat([...first, sets, idr, slice]));
  expect(groups).toEqual([
    { stream: Buffer.concat(first), pictures: 3 },
    { stream: Buffer.concat([sets, idr, slice]), pictures: 2 },
  ]);
});

it("messages that the source gives, too, aren't the segment's", () => {
  const messages = (...texts: string[]) => new Map(texts.map((text) => [text, 1]));
  expect(newMessages(messages("h264: one", "h264: two"), messages("h264: one"))).toEqual(["h264: two"]);
});
