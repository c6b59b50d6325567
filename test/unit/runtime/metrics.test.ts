import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { projectorValues, reconcilerValues, splitValues } from "../../../services/runtime/measurements.ts";
import { powertoolsMetrics } from "../../../services/runtime/metrics.ts";
import type { Measurement } from "../../../services/split/ports/measure.ts";

/** The output of the process during a function, where Lambda would read it. */
const written = { stdout: "", stderr: "" };

beforeEach(() => {
  for (const stream of ["stdout", "stderr"] as const) {
    written[stream] = "";
    const spy = vi.spyOn(process[stream], "write").mockImplementation((text) => {
      written[stream] += text;
      return true;
    });
    onTestFinished(() => spy.mockRestore());
  }
});

/** The lines of stdout, each parsed as CloudWatch would. */
const lines = (): Record<string, unknown>[] =>
  written.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

const FILM: Measurement & { type: "split" } = {
  type: "split",
  videoId: 16_384,
  segments: 3,
  videoSeconds: 60,
  videoBytes: 1_000,
  splitSeconds: 2.5,
  started: 0,
  finishedAfter: undefined,
};
const NOISE: Measurement = { type: "rejected", videoId: 32_768, reason: "NotMedia" };

const openSplit = () => {
  const metered = powertoolsMetrics("split", "VideoSplit/test");
  return (requestId: string, ...measurements: Measurement[]) =>
    metered(requestId, async (record) => {
      for (const measurement of measurements) record(splitValues(measurement));
      return "result";
    });
};

describe("an invocation's metrics", () => {
  it("given a split video, then are one line of the embedded metric format", async () => {
    const begun = Date.now();
    expect(await openSplit()("r1", FILM)).toBe("result");
    expect(lines()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: "VideoSplit/test",
              Dimensions: [["service"]],
              Metrics: [
                { Name: "VideosSplit", Unit: "Count" },
                { Name: "SegmentsCreated", Unit: "Count" },
                { Name: "VideoSeconds", Unit: "Seconds" },
                { Name: "VideoBytes", Unit: "Bytes" },
                { Name: "SplitSeconds", Unit: "Seconds" },
                { Name: "RealTimeFactor", Unit: "None" },
              ],
            },
          ],
        },
        service: "split",
        request_id: "r1",
        video_id: 16_384,
        VideosSplit: 1,
        SegmentsCreated: 3,
        VideoSeconds: 60,
        VideoBytes: 1_000,
        SplitSeconds: 2.5,
        RealTimeFactor: 24,
      },
    ]);
    const [{ _aws }] = lines() as [{ _aws: { Timestamp: number } }];
    expect(_aws.Timestamp).toBeGreaterThanOrEqual(begun);
    expect(written.stderr).toBe("");
  });

  it("given a clock that stood still, then have no factor, which would be infinite", async () => {
    await openSplit()("r1", { ...FILM, splitSeconds: 0 });
    expect(lines()).toMatchObject([{ VideosSplit: 1, SplitSeconds: 0 }]);
    expect(lines()[0]).not.toHaveProperty("RealTimeFactor");
  });

  it("given a rejected video, then have the reason as a field that makes no metric of its own", async () => {
    await openSplit()("r1", NOISE);
    const metrics = [{ Name: "VideosRejected", Unit: "Count" }];
    const directive = { Namespace: "VideoSplit/test", Dimensions: [["service"]], Metrics: metrics };
    expect(lines()).toMatchObject([
      { _aws: { CloudWatchMetrics: [directive] }, VideosRejected: 1, reason: "NotMedia", video_id: 32_768 },
    ]);
  });

  it("given a duplicate, then count it", async () => {
    await openSplit()("r1", { type: "duplicate" });
    expect(lines()).toMatchObject([{ DuplicateDeliveries: 1, request_id: "r1" }]);
  });

  it("given nothing to measure, then are no line, and no warning either", async () => {
    await openSplit()("r1");
    expect(written).toEqual({ stdout: "", stderr: "" });
  });

  it("given a projected event, then are its lag and that it is projected", async () => {
    const metered = powertoolsMetrics("projector", "VideoSplit/test");
    await metered("r1", async (record) => record(projectorValues({ type: "caught up", videoId: 7, lagSeconds: 0.25 })));
    await metered("r2", async (record) => record(projectorValues({ type: "projected", videoId: 7 })));
    const events = { Name: "EventsProjected", Unit: "Count" };
    expect(lines()).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            { Dimensions: [["service"]], Metrics: [events, { Name: "ProjectionLag", Unit: "Seconds" }] },
          ],
        },
        service: "projector",
        EventsProjected: 1,
        ProjectionLag: 0.25,
        video_id: 7,
      },
      { _aws: { CloudWatchMetrics: [{ Metrics: [events] }] }, EventsProjected: 1, request_id: "r2" },
    ]);
  });
});

describe("metrics of a run of the reconciler", () => {
  const pass = { seen: 9, lookedUp: 4, unfinished: 3, requested: 2, givenUp: 1, complete: true };

  it("are what it requested, gave up and cleared", () => {
    const run = { outcome: "reconciled" as const, ...pass, deadLetters: { cleared: 5, failures: 6 } };
    expect(reconcilerValues(run)).toEqual({
      values: { UploadsRequestedAgain: 2, UploadsGivenUp: 1, DeadLettersCleared: 5, ClearingFailures: 6 },
    });
  });

  it("are none for zeros, for a pass that isn't due, and beside another run", () => {
    const deadLetters = { cleared: 0, failures: 0 };
    const idle = { outcome: "reconciled" as const, ...pass, requested: 0, givenUp: 0, deadLetters };
    for (const run of [idle, { outcome: "not due" as const, deadLetters }, { outcome: "busy" as const }])
      expect(reconcilerValues(run)).toEqual({ values: {} });
  });
});

describe("two invocations of one environment", () => {
  const onlyRejected = (line: Record<string, unknown> | undefined) => {
    const { _aws, ...rest } = line ?? {};
    expect(rest).toEqual({
      service: "split",
      request_id: "r2",
      video_id: 32_768,
      reason: "NotMedia",
      VideosRejected: 1,
    });
    expect(_aws).toMatchObject({ CloudWatchMetrics: [{ Metrics: [{ Name: "VideosRejected", Unit: "Count" }] }] });
  };

  it("when both measure, then the second line has nothing of the first", async () => {
    const invoke = openSplit();
    await invoke("r1", FILM);
    await invoke("r2", NOISE);
    expect(lines()).toHaveLength(2);
    onlyRejected(lines()[1]);
  });

  it("when the first throws after it has measured, then that is written, and nothing of it is in the second line", async () => {
    const metered = powertoolsMetrics("split", "VideoSplit/test");
    const failing = metered("r1", async (record) => {
      record(splitValues(FILM));
      throw new Error("the bus is down");
    });
    await expect(failing).rejects.toThrow("the bus is down");
    expect(lines()).toMatchObject([{ VideosSplit: 1, request_id: "r1" }]);

    await metered("r2", async (record) => record(splitValues(NOISE)));
    expect(lines()).toHaveLength(2);
    onlyRejected(lines()[1]);
  });

  it("when the first throws before, then it writes nothing, not even a warning, and the second is whole", async () => {
    const metered = powertoolsMetrics("split", "VideoSplit/test");
    await expect(metered("r1", () => Promise.reject(new Error("S3 is down")))).rejects.toThrow("S3 is down");
    expect(written).toEqual({ stdout: "", stderr: "" });
    await metered("r2", async (record) => record(splitValues(NOISE)));
    onlyRejected(lines()[0]);
  });
});
