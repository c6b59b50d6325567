import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonical } from "../../../services/projector/domain/canonical.ts";
import type { VideoRecord } from "../../../services/projector/domain/document.ts";
import { fold } from "../../../services/projector/domain/fold.ts";
import { type DocumentEvent, documentId } from "../../../services/projector/domain/identity.ts";
import {
  announced,
  at,
  plannedData,
  posterData,
  rejectedData,
  segmentData,
  splitData,
  wholeRun,
} from "./events-of-a-run.ts";

/** The documents after events, as text: equal texts are equal bytes. */
function documentsAfter(events: readonly DocumentEvent[]): string {
  const documents = new Map<number, VideoRecord>();
  for (const event of events) documents.set(documentId(event), fold(documents.get(documentId(event)), event));
  return canonical(Object.fromEntries(documents));
}

const time = fc.integer({ min: 0, max: 5 });

/** Few values each, so that ties and contradictions come often. */
const event: fc.Arbitrary<DocumentEvent> = fc.oneof(
  fc
    .record({ ms: time, duration: fc.constantFrom(60, 61), fps: fc.constantFrom(25, 30) })
    .map(({ ms, ...changed }) => announced("SplitPlanned", ms, plannedData(changed))),
  fc
    .record({
      ms: time,
      duration: fc.constantFrom(60, 61.5),
      segment_count: fc.constantFrom(2, 3),
      version_id: fc.option(fc.constant("v1"), { nil: undefined }),
    })
    .map(({ ms, version_id, ...changed }) =>
      announced("VideoSplit", ms, splitData({ ...changed, ...(version_id !== undefined && { version_id }) })),
    ),
  fc
    .record({
      ms: time,
      reason: fc.constantFrom("GivenUp", "SourceForbidden", "TooLarge", "NotMedia", "ReasonOfTomorrow"),
      message: fc.constantFrom("one", "other"),
      bytes: fc.constantFrom(0, 900),
    })
    .map(({ ms, bytes, ...rejection }) => announced("VideoRejected", ms, rejectedData({ bytes, rejection }))),
  fc
    .record({ ms: time, index: fc.constantFrom(0, 1, 2), bytes: fc.constantFrom(1, 2), frames: fc.constantFrom(1, 2) })
    .map(({ ms, index, ...changed }) => announced("SegmentCreated", ms, segmentData(index, changed))),
  fc
    .record({ ms: time, index: fc.constantFrom(0, 1), height: fc.constantFrom(360, 361) })
    .map(({ ms, index, height }) => announced("PosterCreated", ms, posterData(index, { size: [640, height] }))),
);

const shuffled = <T>(values: T[]): fc.Arbitrary<T[]> => fc.shuffledSubarray(values, { minLength: values.length });

const later = (one: DocumentEvent, ms: number): DocumentEvent => ({
  ...one,
  metadata: { ...one.metadata, occurredAt: at(ms) },
});

/** Events of the run, announced again at later times and in any order, change no byte of its documents. */
function assertSameWhenAnnouncedAgain(run: readonly DocumentEvent[]): void {
  const cases = fc
    .array(fc.tuple(fc.constantFrom(...run), fc.integer({ min: 600, max: 10_000 })), { maxLength: 6 })
    .chain((again) => shuffled([...run, ...again.map(([one, ms]) => later(one, ms))]));
  const once = documentsAfter(run);
  fc.assert(
    fc.property(cases, (mixed) => {
      expect(documentsAfter(mixed)).toBe(once);
    }),
    { numRuns: 300 },
  );
}

describe("the fold", () => {
  const ANY = "given any events, contradictions among them, when they come in another order and some twice";
  for (const { numRuns, tags } of [
    { numRuns: 100, tags: [] },
    { numRuns: 2_000, tags: ["full"] },
  ])
    it(`${ANY}, then the documents are the same (${numRuns} cases)`, { tags }, () => {
      const cases = fc.array(event, { minLength: 1, maxLength: 8 }).chain((events) =>
        fc.tuple(
          fc.constant(events),
          fc.subarray(events).chain((repeated) => shuffled([...events, ...repeated])),
        ),
      );
      fc.assert(
        fc.property(cases, ([events, mixed]) => {
          expect(documentsAfter(mixed)).toBe(documentsAfter(events));
        }),
        { numRuns },
      );
    });

  it("given a run that was rejected once and then split, when events are announced again later, then the documents are the same", () => {
    assertSameWhenAnnouncedAgain([...wholeRun(), announced("VideoRejected", 450, rejectedData())]);
  });

  it("given an upload that was given up and rejected for several reasons, when these are announced again later, then the documents are the same", () => {
    const rejected = (ms: number, reason: string, message: string, bytes = 900) =>
      announced("VideoRejected", ms, rejectedData({ bytes, rejection: { reason, message } }));
    assertSameWhenAnnouncedAgain([
      rejected(100, "GivenUp", "Never finished."),
      rejected(200, "SourceForbidden", "May not be read.", 0),
      rejected(300, "UnreadableMedia", "It ends early."),
      rejected(400, "NotMedia", "It was no video once."),
    ]);
  });

  it("given the same event again, then it returns an equal document", () => {
    fc.assert(
      fc.property(event, (one) => {
        const document = fold(undefined, one);
        expect(fold(document, one)).toEqual(document);
      }),
    );
  });
});
