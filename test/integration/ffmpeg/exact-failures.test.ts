import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type ExactCutOptions, type Fault, makeStitchable, planExact } from "../../fixtures/exact-cut.ts";
import { heldBeyond, heldResources } from "../../fixtures/held-resources.ts";
import { binaries, makeMedia } from "../../fixtures/media.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { sharedFolder, temporaryFolder } from "../../fixtures/temporary.ts";

const { ffmpeg } = await binaries;
const OUT_OF_TIME = new Error("out of time");

/** From abort to end, on a busy machine. */
const MAX_SETTLE_MS = 10_000;

/** The role of each ffmpeg process of a stitched cut, and a pattern of its arguments. */
const ROLES = {
  "reads the source": '*"-i http://source.invalid"*empty_moov*',
  "encodes a boundary": '*"-i pipe:0"*libx264*',
  "joins a segment": "*-output_ts_offset*",
  "decodes the stitches": '*"-i pipe:0"*wrapped_avframe*',
};
type Role = keyof typeof ROLES;
const roles = Object.keys(ROLES) as Role[];

const folder = sharedFolder();
let video: Awaited<ReturnType<typeof planExact>>;
/** MPEG-4 part 2 can't be stitched: everything is encoded. */
let unstitchable: typeof video;
/** The result of an undisturbed cut. */
let calm: string[];

beforeAll(async () => {
  video = await planExact(await makeStitchable(await folder), 1.5);
  unstitchable = await planExact(await makeMedia(await folder, "mpeg4.avi"), 1.5);
  // This also fills the caches of the process: the list of encoders.
  calm = await video.fingerprint({ directory: join(await folder, "calm") });
  expect(calm.map((segment) => segment.split(" ")[0])).toEqual(Array(video.plan.segments.length).fill("stitched"));
});
afterAll(async () => rm(await folder, { recursive: true, force: true }));

/**
 * A script that replaces the ffmpeg process of one role (`$marker` is a file beside it), and runs
 * ffmpeg for the others.
 */
const insteadOf = (directory: string, role: Role, script: string) =>
  standIn(
    directory,
    `marker='${directory}/marker'\ncase "$*" in ${ROLES[role]}) ${script};; esac\nexec '${ffmpeg}' "$@"`,
  );

/** A slow source; `onChunk` is called before each chunk, with its number. */
const slow = (onChunk: (chunk: number) => Promise<void> | void): Fault =>
  async function* (chunks) {
    let number = 0;
    for await (const chunk of chunks) {
      await onChunk(number);
      number += 1;
      await delay(2);
      yield chunk;
    }
  };

/** A source that stalls at chunk `last`, where `onStall` is called. */
const stalling = (last: number, onStall: () => void): Fault =>
  async function* (chunks, signal) {
    let number = 0;
    for await (const chunk of chunks) {
      if (number === last) {
        onStall();
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      }
      number += 1;
      yield chunk;
    }
  };

/** Runs a cut that must fail, and checks that nothing of it is left. */
async function failing(options: Omit<ExactCutOptions, "directory">, planned = video): Promise<unknown> {
  const directory = await temporaryFolder();
  const before = heldResources();
  const taken: string[] = [];
  const onSegment: ExactCutOptions["onSegment"] = (segment) => {
    taken.push(segment.path.slice(directory.length + 1));
    options.onSegment?.(segment);
  };
  const error = await planned.cut({ ...options, directory, onSegment }).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(await heldBeyond(before)).toEqual([]);
  expect(await readdir(directory)).toEqual(taken);
  return error;
}

/** Runs a cut until `abort` is called, then checks that it ends soon, with the reason. */
async function aborted(
  options: (abort: () => void) => Omit<ExactCutOptions, "directory" | "signal">,
  planned = video,
): Promise<void> {
  const aborting = new AbortController();
  let begun = Number.POSITIVE_INFINITY;
  const abort = () => {
    begun = performance.now();
    aborting.abort(OUT_OF_TIME);
  };
  expect(await failing({ ...options(abort), signal: aborting.signal }, planned)).toBe(OUT_OF_TIME);
  expect(performance.now() - begun).toBeLessThan(MAX_SETTLE_MS);
}

describe("an exact cut that is aborted ends soon, and leaves no process, file, timer or segment", {
  tags: "full",
}, () => {
  it.each([0, 1, 2, 4, 8, 12, 16])("at chunk %i of the source", async (last) => {
    await aborted((abort) => ({ fault: slow((chunk) => (chunk === last ? abort() : undefined)) }));
  });

  it.each([0, 1, 2])("after segment %i", async (last) => {
    await aborted((abort) => ({ onSegment: ({ index }) => (index === last ? abort() : undefined) }));
  });

  it.each([0, 25, 50, 100, 150, 200, 250])("after %i ms", async (milliseconds) => {
    await aborted((abort) => {
      setTimeout(abort, milliseconds);
      // Keeps it from ending before.
      return { fault: stalling(14, () => {}) };
    });
  });

  it.each([0, 4, 8, 16, 32])("at chunk %i, when everything is encoded", async (last) => {
    await aborted((abort) => ({ fault: slow((chunk) => (chunk === last ? abort() : undefined)) }), unstitchable);
  });

  it.each([0, 1, 2])("after segment %i, when everything is encoded", async (last) => {
    await aborted((abort) => ({ onSegment: ({ index }) => (index === last ? abort() : undefined) }), unstitchable);
  });

  it.each([1, 6, 12])("when the source stalls at chunk %i", async (last) => {
    await aborted((abort) => ({ fault: stalling(last, () => setTimeout(abort, 50)) }));
  });

  it.each(roles)("when the ffmpeg that %s neither reads nor writes", async (role) => {
    const directory = await temporaryFolder();
    const binary = await insteadOf(directory, role, "touch $marker; exec sleep 1000");
    await aborted((abort) => {
      void vi.waitFor(async () => expect(await readdir(directory)).toContain("marker"), 20_000).then(abort);
      return { binary };
    });
  });
});

describe("an ffmpeg that is killed", () => {
  it.each(roles)("while it %s: the attempt throws, and a retry makes the same segments", async (role) => {
    const binary = await insteadOf(
      await temporaryFolder(),
      role,
      "if [ ! -e $marker ]; then touch $marker; kill -9 $$; fi",
    );
    const log: string[] = [];
    expect(await failing({ binary, onSegment: ({ made }) => log.push(made) })).toMatchObject({
      code: "ProcessKilled",
      retryable: true,
    });
    expect(log.filter((made) => made !== "stitched")).toEqual([]);
    expect(await video.fingerprint({ binary, directory: join(await temporaryFolder(), "retry") })).toEqual(calm);
  });

  it.each(roles)(
    "a crash while it %s is caused by the file: encoding everything is tried",
    { tags: "full" },
    async (role) => {
      const binary = await insteadOf(await temporaryFolder(), role, "kill -SEGV $$");
      const directory = await temporaryFolder();
      const { segments, warnings } = await video.cut({ binary, directory }).catch((error: unknown) => ({
        segments: [],
        warnings: [String(error)],
      }));
      expect(warnings.join()).toContain("crashed (SIGSEGV)");
      // Encoded video is muxed too.
      expect(segments.map(({ made }) => made)).toEqual(
        role === "joins a segment" ? [] : Array(video.plan.segments.length).fill("encoded"),
      );
    },
  );
});

describe("a full disk", () => {
  it("doesn't lead to encoding: the attempt throws", async () => {
    const full = 'for output in "$@"; do :; done; ln -sf /dev/full "$output"';
    const binary = await insteadOf(await temporaryFolder(), "joins a segment", full);
    expect(await failing({ binary })).toMatchObject({ code: "DiskFull", retryable: true });
  });
});

describe("a process after failing cuts", { tags: "full" }, () => {
  const FAILURES: Record<string, (round: number) => Promise<unknown>> = {
    "is aborted": (round) =>
      aborted((abort) => ({ fault: slow((chunk) => (chunk === round ? abort() : undefined)) })).then(() => "aborted"),
    "has a source that fails": async (round) =>
      failing({
        fault: slow((chunk) => {
          if (chunk === round) throw new Error("S3 is down");
        }),
      }),
    "has an ffmpeg that is killed": async (round) => {
      const role = roles[round % roles.length]!;
      return failing({ binary: await insteadOf(await temporaryFolder(), role, "kill -9 $$") });
    },
    "has an encoder that exits with 1": async () =>
      failing({
        binary: await standIn(await temporaryFolder(), `case "$*" in *libx264*) exit 1;; esac\nexec '${ffmpeg}' "$@"`),
      }),
    "fails its proof": async () => {
      // One frame fewer in each segment.
      const script = `case "$*" in *-output_ts_offset*) exec '${ffmpeg}' -t 1 "$@";; esac\nexec '${ffmpeg}' "$@"`;
      return failing({ binary: await standIn(await temporaryFolder(), script) });
    },
  };
  const EXPECTED: Record<keyof typeof FAILURES, unknown> = {
    "is aborted": "aborted",
    "has a source that fails": expect.objectContaining({ code: "SourceFetchFailed" }),
    "has an ffmpeg that is killed": expect.objectContaining({ code: "ProcessKilled" }),
    "has an encoder that exits with 1": expect.objectContaining({ code: "FfmpegFailed", exitCode: 1 }),
    "fails its proof": expect.objectContaining({ code: "CutFailed", reason: "ProofFailed" }),
  };

  const ROUNDS = 3;

  it.each(Object.keys(FAILURES))(
    "keeps no resources of three cuts, each of which %s",
    { timeout: 120_000 },
    async (kind) => {
      const before = heldResources();
      for (let round = 0; round < ROUNDS; round += 1) expect(await FAILURES[kind]!(round)).toEqual(EXPECTED[kind]);
      expect(await heldBeyond(before)).toEqual([]);
    },
  );
});
