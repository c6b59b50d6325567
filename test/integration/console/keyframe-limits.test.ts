import { expect, it } from "vitest";
import { LIMITS, readKeyframes } from "../../../infra/console/keyframes/read-keyframes.ts";
import type { SourceObject } from "../../../infra/console/keyframes/source-object.ts";
import { ThinnedTimes } from "../../../infra/console/keyframes/thinned-times.ts";

/** A source with this content, whose size may be stated as larger. */
const sourceOf = (content: Uint8Array, bytes = content.length): SourceObject => ({
  bytes,
  duration: Number.POSITIVE_INFINITY,
  read: async (start, end) => {
    const read = new Uint8Array(end - start);
    read.set(content.subarray(start, end));
    return read;
  },
});

const failing = (name: string): SourceObject => ({
  ...sourceOf(new Uint8Array(1_000)),
  read: async () => {
    throw Object.assign(new Error("refused"), { name });
  },
});

const read = (source: SourceObject, limits = {}) =>
  readKeyframes(source, new AbortController().signal, { ...LIMITS, ...limits });

/** Packets with their sync byte: https://www.itu.int/rec/T-REC-H.222.0 */
const transportStream = (packets: number): Uint8Array => {
  const bytes = new Uint8Array(packets * 188);
  for (let at = 0; at < bytes.length; at += 188) bytes.set([0x47, 0x1f, 0xff, 0x10], at);
  return bytes;
};

it("keeps times at even distances where there are too many, and counts all", () => {
  const times = new ThinnedTimes(4);
  for (let time = 0; time < 4; time += 1) times.add(time);
  expect(times.kept).toEqual([0, 1, 2, 3]);
  times.add(4);
  expect(times.kept).toEqual([0, 2, 4]);
  for (let time = 5; time < 21; time += 1) times.add(time);
  expect([times.kept, times.count]).toEqual([[0, 8, 16], 21]);
});

it("knows no keyframes of what isn't media, and says why", async () => {
  const junk = new TextEncoder().encode("The meeting began at nine. ".repeat(1_000));
  expect(await read(sourceOf(junk))).toEqual({ known: false, why: "the console can't read them from this format" });
  expect(await read(sourceOf(new Uint8Array(0)))).toMatchObject({ known: false });
});

it("doesn't read a large file that has no index", async () => {
  const content = transportStream(1_000);
  const tooLarge = sourceOf(content, LIMITS.bytes + 1);
  let readBytes = 0;
  const counting: SourceObject = {
    ...tooLarge,
    read: (start, end, signal) => {
      readBytes += end - start;
      return tooLarge.read(start, end, signal);
    },
  };
  expect(await read(counting)).toEqual({
    known: false,
    why: "MPEG Transport Stream has no list of them, and the file is too large to read it for this",
  });
  expect(readBytes).toBeLessThan(LIMITS.bytes / 10);
});

it("says so when the source is gone, or can't be read", async () => {
  const gone = { known: false, why: "the source was deleted or replaced" };
  expect([await read(failing("NoSuchKey")), await read(failing("PreconditionFailed"))]).toEqual([gone, gone]);
  expect(await read(failing("AccessDenied"))).toEqual({
    known: false,
    why: "the source can't be read (AccessDenied)",
  });
});

it("ends when S3 doesn't answer", async () => {
  const silent: SourceObject = { ...sourceOf(new Uint8Array(1_000)), read: () => new Promise(() => {}) };
  expect(await read(silent, { milliseconds: 50 })).toEqual({ known: false, why: "reading them takes too long" });
});

it("stops reading when the page goes away, and reads one source at a time", async () => {
  const content = new Uint8Array(1_000);
  const gone = new AbortController();
  const signals: AbortSignal[] = [];
  const silent: SourceObject = {
    ...sourceOf(content),
    read: (_start, _end, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    },
  };
  const first = expect(readKeyframes(silent, gone.signal)).rejects.toThrow("gone");
  let secondReads = 0;
  const second: SourceObject = {
    ...silent,
    read: async () => {
      secondReads += 1;
      return content;
    },
  };
  const next = read(second);
  await expect.poll(() => signals.length, { timeout: 20_000 }).toBe(1);
  expect([signals[0]!.aborted, secondReads]).toEqual([false, 0]);
  gone.abort(new Error("gone"));
  await first;
  await next;
  expect([signals[0]!.aborted, secondReads]).toEqual([true, 1]);
});
