import { megabytes } from "../../split/domain/budget.ts";
import { limitExceeded } from "../../video/errors.ts";
import { currentBudget } from "../process/limits.ts";
import type { RangedSource } from "./ranged-source.ts";

/**
 * Counts the bytes that are fetched of a source, and fetches no more than the budget has for its
 * size. Reading beyond throws `RejectedVideo` (LimitExceeded).
 */
export function limitFetches({ size, read }: RangedSource): RangedSource {
  const { fetchesOfSource, freeFetchBytes } = currentBudget();
  const most = fetchesOfSource * size + freeFetchBytes;
  let fetched = 0;
  return {
    size,
    async *read(start, end, signal) {
      for await (const chunk of read(start, end, signal)) {
        fetched += chunk.length;
        if (fetched > most) throw tooManyFetches(size, most);
        yield chunk;
      }
    },
  };
}

const tooManyFetches = (size: number, most: number): Error =>
  limitExceeded(
    `This video of ${megabytes(size)} is read to and fro, and that takes more than the ${megabytes(most)} that may be fetched of it. ` +
      'Put its tracks beside each other with "ffmpeg -i VIDEO -map 0:v:0 -map 0:a? -c copy INTERLEAVED", and upload that.',
  );
