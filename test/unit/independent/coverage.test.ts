import { describe, expect, it } from "vitest";
import { coverageOf } from "../../independent/coverage.ts";

const span = (start: number, end: number) => [{ start, end }];

describe("how much of the source's audio is in segments", () => {
  it("finds nothing missing where they follow each other", () => {
    expect(coverageOf(span(0, 10), [span(0, 4), span(4.001, 10)])).toMatchObject({
      gaps: [0],
      overlaps: [0],
      lost: 0,
    });
  });

  it("measures gaps and overlaps at boundaries", () => {
    const { gaps, overlaps, lost } = coverageOf(span(0, 10), [span(0, 4), span(4.075, 8), span(7.9, 10)]);
    expect(gaps).toEqual([expect.closeTo(0.075), 0]);
    expect(overlaps).toEqual([0, expect.closeTo(0.1)]);
    expect(lost).toBeCloseTo(0.075);
  });

  it("measures what is lost at the ends and inside", () => {
    const inside = [...span(5, 6), ...span(6.5, 9)];
    const coverage = coverageOf(span(0, 10), [span(1, 5), inside]);
    expect(coverage).toMatchObject({
      lostAtStart: expect.closeTo(1),
      lostAtEnd: expect.closeTo(1),
      lostInside: expect.closeTo(0.5),
    });
  });

  it("takes no silence of the source for a hole", () => {
    const source = [...span(0, 4), ...span(3600, 3604)];
    expect(coverageOf(source, [span(0, 4), span(3600, 3604)])).toMatchObject({ gaps: [0], lost: 0, added: 0 });
  });

  it("skips segments without audio", () => {
    expect(coverageOf(span(0, 10), [span(0, 4), [], span(6, 10)]).gaps).toEqual([expect.closeTo(2)]);
  });
});
