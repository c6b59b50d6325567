import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import type { RetrySchedule } from "../../../services/aws/retrying-fetch.ts";
import { NEVER } from "../../fixtures/cut.ts";
import { LONG_RETRIES, openBucket, readAll } from "./media-bucket.ts";

const FILM = randomBytes(400_000);

/** A ranged GET, answered in S3's place. `nth` counts them from 1. */
type Answer = (response: ServerResponse, range: { start: number; end: number }, nth: number) => boolean;

/** The film in a bucket whose ranged GETs are answered by `answer`, where it returns true. */
async function openFilm(answer: Answer, retrySchedule: RetrySchedule = LONG_RETRIES, film: Buffer = FILM) {
  const ranges: string[] = [];
  const open = new Set<IncomingMessage>();
  let mostOpen = 0;
  const { put, store } = await openBucket((request, response) => {
    const { range } = request.headers;
    if (request.method !== "GET" || range === undefined) return false;
    const [start, end] = range.replace("bytes=", "").split("-").map(Number) as [number, number];
    ranges.push(`${start}-${end}`);
    open.add(request);
    mostOpen = Math.max(mostOpen, open.size);
    // Its reader may request the next range before the server closes the one that it has sent.
    for (const event of ["finish", "close"]) response.once(event, () => open.delete(request));
    return answer(response, { start, end }, ranges.length);
  }, retrySchedule);
  await put("film.mp4", film);
  const { source } = (await store.describe("media", "film.mp4"))!;
  const read = (signal = NEVER) => readAll(store.read(source, 0, film.length - 1, signal));
  return { ranges, open, mostOpen: () => mostOpen, read };
}

/** Sends the first bytes of a range, and no more. */
function sendFirst(bytes: number, response: ServerResponse, { start, end }: { start: number; end: number }): void {
  response.writeHead(206, { "content-length": String(end - start + 1) });
  response.write(FILM.subarray(start, start + bytes));
}

const busy = (response: ServerResponse): boolean => {
  response
    .writeHead(503)
    .end("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>");
  return true;
};

describe("a read whose connection breaks", () => {
  it("continues at the byte at which each attempt broke off", async () => {
    const { ranges, read } = await openFilm((response, range, nth) => {
      if (nth > 3) return false;
      sendFirst(100, response, range);
      setImmediate(() => response.destroy());
      return true;
    });
    expect((await read()).equals(FILM)).toBe(true);
    expect(ranges.slice(0, 4)).toEqual(["0-399999", "100-399999", "200-399999", "300-399999"]);
  });
});

/** A stall is noticed quickly. */
const SHORT_RETRIES: RetrySchedule = { ...LONG_RETRIES, maxIdleMs: 500 };

describe("a read that stalls", () => {
  it.each<[string, number | undefined]>([
    ["before the answer", undefined],
    ["in the body", 100],
  ])("%s is aborted, and fetched again", async (_where, bytes) => {
    const { ranges, open, read } = await openFilm((response, range, nth) => {
      if (nth > 1) return false;
      if (bytes !== undefined) sendFirst(bytes, response, range);
      return true;
    }, SHORT_RETRIES);
    expect((await read()).equals(FILM)).toBe(true);
    expect(ranges[1]).toBe(`${bytes ?? 0}-399999`);
    await expect.poll(() => open.size).toBe(0);
  });

  it("in each attempt throws that it couldn't be fetched, and leaves no running request", async () => {
    const retrySchedule = { maxIdleMs: 100, giveUpMs: 350, backoffMs: 10 };
    const { ranges, open, read } = await openFilm(() => true, retrySchedule);
    const begun = performance.now();
    await expect(read()).rejects.toMatchObject({
      code: "SourceFetchFailed",
      retryable: true,
      message: expect.stringMatching(/^Range 0-399999 of s3:\/\/media\/film.mp4 .*No byte was received for 0\.\d+ s/),
      cause: { name: "StalledError" },
    });
    expect(performance.now() - begun).toBeLessThan(retrySchedule.giveUpMs + 1_000);
    expect(ranges.length).toBeLessThanOrEqual(4);
    await expect.poll(() => open.size).toBe(0);
  });

  it("is not one that is slow: what counts is the time between two bytes", async () => {
    const retrySchedule = { ...LONG_RETRIES, maxIdleMs: 1_200 };
    const { ranges, read } = await openFilm(
      (response, range) => {
        sendFirst(1_000, response, range);
        const { start, end } = range;
        let at = start + 1_000;
        const timer = setInterval(() => {
          response.write(FILM.subarray(at, Math.min(at + 8_000, end + 1)));
          at += 8_000;
          if (at <= end) return;
          clearInterval(timer);
          response.end();
        }, 50);
        return true;
      },
      retrySchedule,
      FILM.subarray(0, 262_144),
    );
    const begun = performance.now();
    expect((await read()).equals(FILM.subarray(0, 262_144))).toBe(true);
    expect(performance.now() - begun).toBeGreaterThan(retrySchedule.maxIdleMs);
    expect(ranges).toHaveLength(1);
  });
});

describe("a read while S3 is busy", () => {
  it("is tried again until S3 answers", async () => {
    const { read } = await openFilm((response, _range, nth) => nth <= 6 && busy(response));
    expect((await read()).equals(FILM)).toBe(true);
  });

  it("sends one request for each attempt, with growing pauses, and gives up within its time", async () => {
    const retrySchedule = { maxIdleMs: 1_000, giveUpMs: 1_000, backoffMs: 100 };
    const { ranges, read } = await openFilm(busy, retrySchedule);
    const begun = performance.now();
    await expect(read()).rejects.toMatchObject({
      code: "SourceFetchFailed",
      message: expect.stringContaining("SlowDown: Please reduce your request rate."),
    });
    expect(performance.now() - begun).toBeLessThan(retrySchedule.giveUpMs + 1_000);
    // The pauses are at least 50, 100, 200, 400 and 800 ms: the last of them is too long.
    expect(ranges.length).toBeLessThanOrEqual(5);
  });
});

describe("reading far", () => {
  it("fetches three ranges at a time, and no more", async () => {
    const { mostOpen, read } = await openFilm(() => false, LONG_RETRIES, randomBytes(40_000_000));
    await read();
    expect(mostOpen()).toBe(3);
  });
});
