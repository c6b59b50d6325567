import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BoundaryJobQueue } from "../../../services/ffmpeg/exact/boundary-job-queue.ts";
import { PresentationTimes } from "../../../services/ffmpeg/exact/presentation-times.ts";
import { SourceMp4Headers } from "../../../services/ffmpeg/exact/source-mp4-headers.ts";
import { Mp4Header } from "../../../services/ffmpeg/formats/iso/fragments.ts";
import { planExactCut } from "../../../services/split/domain/exact-plan.ts";
import type { ExactPlan } from "../../../services/split/domain/exact-segment.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import { cutFile } from "../../fixtures/cut.ts";
import { makeStitchable, planExact } from "../../fixtures/exact-cut.ts";
import { heldBeyond, heldResources } from "../../fixtures/held-resources.ts";
import { makeOverlappingGroups } from "../../fixtures/overlapping-groups.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/**
 * Two encoders run concurrently: a third job waits for a slot while both may need further packets.
 */
describe("boundaries whose groups of pictures overlap", () => {
  it("I0 I10 I20 I30 I40 B1 …: the cut ends, and no frame is in it twice", { tags: "full" }, async () => {
    const path = await makeOverlappingGroups(await temporaryFolder());
    const { plan } = await planExact(path, 5);
    const { jobs = [] } = plan;
    expect(jobs.slice(0, 4).map(({ packets }) => packets.from)).toEqual([0, 1, 2, 3]);
    // No decoder can decode pictures in this order: it returns some of them late, beside others.
    const cutting = cutFile(path, { cut: "exact", segmentSeconds: 5, directory: await temporaryFolder() });
    await expect(cutting).rejects.toThrow(/^the decoder returned \d+ frames of segment \d+, and the source has 5$/);
  });

  it("are encoded as others are", { tags: "full" }, async () => {
    const video = await planExact(await makeStitchable(await temporaryFolder()), 0.8);
    const directory = async () => join(await temporaryFolder(), "segments");
    const calm = await video.fingerprint({ directory: await directory() });
    const { jobs = [] } = video.plan;
    expect(jobs.length).toBeGreaterThan(3);
    for (const job of jobs) job.packets.to = video.packets;
    expect(await video.fingerprint({ directory: await directory() })).toEqual(calm);
    expect(calm.filter((segment) => segment.startsWith("stitched")).length).toBeGreaterThan(3);
  });
});

describe("the boundary job queue", () => {
  const PACKETS = 24;

  /**
   * A frame per second, each a keyframe, cut after every fourth one. Every job needs all packets
   * from its first one on.
   */
  function overlapping(): { plan: ExactPlan; index: PacketIndex } {
    const index = new PacketIndex();
    for (let packet = 0; packet < PACKETS; packet += 1) index.add({ time: packet, duration: 1, key: true });
    const plan = planExactCut(index, 4, 1)!;
    const jobs = [0, 1, 2, 3].map((from) => ({ packets: { from, to: PACKETS }, parts: [{ from, to: from + 1 }] }));
    return { plan: { ...plan, jobs }, index };
  }

  /** Adds all packets to a job queue whose ffmpeg is a script, and ends it. */
  async function encode(script: string, packetBytes: number) {
    const before = heldResources();
    const stopping = new AbortController();
    const { plan, index } = overlapping();
    const directory = await temporaryFolder();
    const failures: unknown[] = [];
    const encoder = new BoundaryJobQueue({
      binary: await standIn(directory, script),
      directory,
      encoder: {
        ...{ codec: "h264", options: ["-c:v", "libx264"], filters: [], clock: "-1" },
        ...{ stream: "matroska", decoder: undefined, frames: 1, threadFrames: 0 },
      },
      concurrentJobs: 2,
      headers: new SourceMp4Headers(new Mp4Header(Buffer.alloc(8), "h264"), "h264", index, []),
      presentationTimes: new PresentationTimes(plan, index, 1),
      jobs: plan.jobs,
      signal: stopping.signal,
      onFrame: async () => {},
      onFailedRuns: (_runs, reason) => failures.push(reason),
      onFailure: (reason) => failures.push(reason),
    });
    let added = 0;
    const adding = async () => {
      for (; added < PACKETS; added += 1) await encoder.add(added, Buffer.alloc(packetBytes), true);
      await encoder.end();
    };
    const error = await adding().catch((caught: unknown) => caught);
    stopping.abort();
    await encoder.ended();
    expect(await heldBeyond(before)).toEqual([]);
    return { error, added, failures };
  }

  it("keeps no more than 64 MB for jobs that wait while others need packets", async () => {
    const { error, added } = await encode("exec cat >/dev/null", 4 * 2 ** 20);
    expect(error).toMatchObject({ code: "CutFailed", message: "boundaries overlap by more than 67108864 bytes" });
    // Two jobs wait: 8 packets of each are kept.
    expect(added).toBeGreaterThan(8);
    expect(added).toBeLessThan(12);
  });

  it("fails once, with the failure of its first job", async () => {
    const { error, failures } = await encode("kill -9 $$", 1_000);
    expect(error).toMatchObject({ code: "ProcessKilled" });
    expect(failures).toEqual([error]);
  });
});
