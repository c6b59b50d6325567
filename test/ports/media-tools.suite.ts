import { stat } from "node:fs/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { PacketIndex } from "../../services/split/domain/packet-index.ts";
import { planCut } from "../../services/split/plan-cut.ts";
import type { DescribedMedia, MadeSegment, MediaTools } from "../../services/split/ports/media-tools.ts";
import { SourceFetchError, SourceUnavailableError } from "../../services/video/errors.ts";
import { NEVER, quietLog } from "../fixtures/quiet.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** What is to be split in the suite: six frames of a second each, all keyframes, so that it's cut at every two seconds. */
export type SixSeconds = {
  tools: MediaTools;
  /** The source's. */
  bytes: Uint8Array;
  extension: string;
};

type Source = Parameters<MediaTools["open"]>[0];
type Fault = () => Error | undefined;

/** `fault`: why bytes from the middle on can't be had; undefined where they can. */
const sourceOf = (bytes: Uint8Array, fault: Fault = () => undefined): Source => ({
  size: bytes.length,
  async *read(start, end) {
    const error = fault();
    const limit = error === undefined ? bytes.length : Math.floor(bytes.length / 2);
    if (start < limit) yield bytes.subarray(start, Math.min(end + 1, limit));
    if (error !== undefined && end >= limit) throw error;
  },
});

async function open({ tools, bytes }: SixSeconds, fault?: Fault) {
  const media = await tools.open(sourceOf(bytes, fault));
  onTestFinished(() => media.close());
  return media;
}

async function planned(media: DescribedMedia, cut: "keyframe" | "exact", from = 0, signal = NEVER) {
  const index = new PacketIndex();
  await media.scan(NEVER, index.add);
  const plan = planCut(index, { cut, segmentSeconds: 2, outputKeyPrefix: "" }, { averageFps: 1 });
  const directory = await temporaryFolder();
  const last = plan.segments.length - 1;
  return { plan, job: { cut: plan.cut, from, last, directory, signal, log: quietLog } };
}

async function cutToItsEnd(media: DescribedMedia, extension: string, cut: "keyframe" | "exact", from = 0) {
  const { plan, job } = await planned(media, cut, from);
  const cutting = media.cut({ ...job, container: media.containers(extension, job.cut.index)[0]! });
  const segments: MadeSegment[] = [];
  let next = await cutting.next();
  for (; next.done !== true; next = await cutting.next()) segments.push(next.value);
  return { plan, segments, ending: next.value };
}

/** The contract of the port, for each implementation of it. */
export function mediaToolsContract(name: string, make: () => Promise<SixSeconds>): void {
  describe(`media tools: ${name}`, () => {
    it("passes on each video packet, in decode order", async () => {
      const media = await (await open(await make())).describe(NEVER);
      const index = new PacketIndex();
      expect(await media.scan(NEVER, index.add)).toEqual({ truncated: false });
      // On the source's own clock, which may begin anywhere.
      const seconds = (time: number) => Math.round((time - index.time(0)) * 1_000) / 1_000;
      expect([...index.packets()].map(({ time, key }) => [seconds(time), key])).toEqual(
        [0, 1, 2, 3, 4, 5].map((second) => [second, true]),
      );
    });

    it("ends a scan by what its listener throws", async () => {
      const media = await (await open(await make())).describe(NEVER);
      const tooMany = new Error("too many packets");
      const scanning = media.scan(NEVER, () => {
        throw tooMany;
      });
      await expect(scanning).rejects.toBe(tooMany);
    });

    it.each(["keyframe", "exact"] as const)(
      "%s: yields each segment with its measures, and says it's complete",
      async (cut) => {
        const video = await make();
        const media = await (await open(video)).describe(NEVER);
        const { plan, segments, ending } = await cutToItsEnd(media, video.extension, cut);
        expect(ending).toEqual({ type: "complete" });
        expect(segments.map(({ index }) => index)).toEqual(plan.segments.map(({ index }) => index));
        for (const { path, proof, index } of segments) {
          expect(proof).toMatchObject({ frames: 2, start: 2 * index, end: 2 * index + 2 });
          expect((await stat(path)).size).toBeGreaterThan(0);
        }
      },
    );

    it("makes only what is wanted", async () => {
      const video = await make();
      const media = await (await open(video)).describe(NEVER);
      const { segments, ending } = await cutToItsEnd(media, video.extension, "exact", 2);
      expect(segments.map(({ index }) => index)).toEqual([2]);
      expect(ending).toEqual({ type: "complete" });
    });

    it.each([
      ["S3 fails", () => new Error("S3 is down"), SourceFetchError],
      ["the object changes", () => new SourceUnavailableError("SourceChanged", "overwritten"), SourceUnavailableError],
    ])("says that the source wasn't fetched, where %s during the cut", async (_what, fault, type) => {
      const video = await make();
      let failing = false;
      const media = await (await open(video, () => (failing ? fault() : undefined))).describe(NEVER);
      const { job } = await planned(media, "exact");
      failing = true;
      const cutting = media.cut({ ...job, container: media.containers(video.extension, job.cut.index)[0]! });
      const indexes: number[] = [];
      let next = await cutting.next();
      for (; next.done !== true; next = await cutting.next()) {
        indexes.push(next.value.index);
        expect(next.value.proof.frames).toBe(2);
      }
      expect(indexes.length).toBeLessThan(3);
      expect(next.value).toMatchObject({ type: "not fetched", error: expect.any(type) });
    });

    it("throws why the source can't be fetched, before it's described or scanned", async () => {
      const fault = () => new SourceUnavailableError("SourceNotFound", "deleted");
      const reading = async () => {
        const media = await (await open(await make(), fault)).describe(NEVER);
        await media.scan(NEVER, () => {});
      };
      await expect(reading()).rejects.toMatchObject({ code: "SourceUnavailable", reason: "SourceNotFound" });
    });

    it("throws the reason when it's aborted", async () => {
      const video = await make();
      const media = await (await open(video)).describe(NEVER);
      const stopping = new AbortController();
      const { job } = await planned(media, "keyframe", 0, stopping.signal);
      stopping.abort(new Error("out of time"));
      const cutting = media.cut({ ...job, container: media.containers(video.extension, job.cut.index)[0]! });
      await expect(cutting.next()).rejects.toThrow("out of time");
      await expect(media.scan(stopping.signal, () => {})).rejects.toThrow("out of time");
    });
  });
}
