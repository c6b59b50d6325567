import { afterEach, describe, expect, it } from "vitest";
import { setBudget } from "../../../services/ffmpeg/process/limits.ts";
import { checkSource } from "../../../services/ffmpeg/source/checked-source.ts";
import { limitFetches } from "../../../services/ffmpeg/source/fetch-limit.ts";
import { readAhead } from "../../../services/ffmpeg/source/read-ahead.ts";
import { budgetOf } from "../../../services/split/domain/budget.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { KEEPS_LITTLE } from "../../fixtures/read-ahead.ts";

const MB = 1024 * 1024;
const FREE_BYTES = MB / 2;

afterEach(() => setBudget(budgetOf()));

/** A source of a MB, as a cut reads it, and how much of it was fetched. */
function openSource() {
  setBudget({ ...budgetOf(), fetchesOfSource: 3, freeFetchBytes: FREE_BYTES });
  const counts = { fetched: 0 };
  const original = {
    size: MB,
    async *read(start: number, end: number) {
      counts.fetched += end - start + 1;
      yield new Uint8Array(end - start + 1);
    },
  };
  return { counts, source: checkSource(readAhead(limitFetches(original), KEEPS_LITTLE)) };
}

/** Reads a little at each place, as ffmpeg does where tracks are far apart. */
async function jump({ size, read }: ReturnType<typeof checkSource>, jumps: number): Promise<void> {
  for (let at = 0; at < jumps; at += 1) {
    const leaving = new AbortController();
    for await (const _chunk of read((at * 7_919 * 64) % size, size - 1, leaving.signal)) leaving.abort();
  }
}

describe("bytes that are fetched of a source", () => {
  it("are as many as a few readings of it take", async () => {
    const { counts, source } = openSource();
    for (let reading = 0; reading < 3; reading += 1) for await (const _chunk of source.read(0, MB - 1, NEVER));
    expect(counts.fetched).toBe(3 * MB);
    expect(source.failed.aborted).toBe(false);
  });

  it("are limited by its size: a reader that seeks without end is rejected, and never retried", async () => {
    const { counts, source } = openSource();
    await expect(jump(source, 100_000)).rejects.toMatchObject({
      reason: "LimitExceeded",
      retryable: false,
      message: expect.stringContaining("more than the 4 MB that may be fetched of it"),
    });
    expect(source.failed.reason).toMatchObject({ reason: "LimitExceeded" });
    expect(counts.fetched).toBeLessThan(3 * MB + FREE_BYTES + MB / 16);
  });
});
