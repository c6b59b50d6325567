import { describe, expect, it } from "vitest";
import {
  type AppliedLimits,
  DiskFullError,
  diskFullOr,
  type Exit,
  failureOf,
  isCausedByFile,
  type Program,
} from "../../../services/ffmpeg/process/errors.ts";
import { StderrTail } from "../../../services/ffmpeg/process/stderr-tail.ts";
import { ServiceError } from "../../../services/video/errors.ts";

function stderr(...lines: string[]): StderrTail {
  const tail = new StderrTail({ url: "http://source.invalid/video", port: 1, secret: "5ec2e7" });
  for (const line of lines) tail.push(Buffer.from(`${line}\n`));
  tail.end();
  return tail;
}

const failure = (exit: Partial<Exit>, program: Program = "ffmpeg", ...lines: string[]) =>
  failureOf(program, { code: null, signal: null, ...exit }, stderr(...lines));

describe("how a process ended", () => {
  it("successfully: with exit code 0", () => {
    expect(failure({ code: 0 })).toBeUndefined();
    expect(failure({ code: 0 }, "ffmpeg", "a warning")).toBeUndefined();
  });

  it.each<[string, Partial<Exit>, Program]>([
    ["any other exit code", { code: 1 }, "ffmpeg"],
    ["ffmpeg 7's exit code for invalid data", { code: 183 }, "ffmpeg"],
    ["ffprobe's exit code", { code: 1 }, "ffprobe"],
    ["a crash", { signal: "SIGSEGV" }, "ffmpeg"],
    ["an assertion that fails", { signal: "SIGABRT" }, "ffmpeg"],
    ["a division by zero", { signal: "SIGFPE" }, "ffprobe"],
    ["a crash, reported by a shell", { code: 139 }, "ffmpeg"],
  ])("%s is the doing of the file", (_what, exit, program) => {
    const error = failure(exit, program, "moov atom not found");
    expect(error).toMatchObject({ code: "FfmpegFailed", program, stderr: "moov atom not found" });
    expect(isCausedByFile(error)).toBe(true);
  });

  it("a crash keeps its signal, and has the exit code that shells report", () => {
    expect(failure({ signal: "SIGSEGV" })).toMatchObject({ signal: "SIGSEGV", exitCode: 139 });
    expect(failure({ code: 1 })).toMatchObject({ signal: null, exitCode: 1 });
  });

  it.each<[string, Partial<Exit>, Program]>([
    ["killed for lack of memory", { signal: "SIGKILL" }, "ffmpeg"],
    ["killed, reported by a shell", { code: 137 }, "ffmpeg"],
    ["terminated", { signal: "SIGTERM" }, "ffprobe"],
    ["out of CPU time", { signal: "SIGXCPU" }, "ffprobe"],
    ["terminated, which ffmpeg catches", { code: 255 }, "ffmpeg"],
    ["terminated again and again, which ffmpeg catches", { code: 123 }, "ffmpeg"],
  ])("%s: the machine's doing, to be tried again", (_what, exit, program) => {
    const error = failure(exit, program, "Conversion failed!");
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: "ProcessKilled", retryable: true });
    expect(isCausedByFile(error)).toBe(false);
  });

  it.each([0, 1])("a full disk, whatever else it prints, and even when it exits with %i", (code) => {
    const later = Array.from({ length: 20 }, (_, line) => `line ${line}`);
    const error = failure({ code }, "ffmpeg", "Error writing trailer of 00000.mp4: No space left on device", ...later);
    expect(error).toBeInstanceOf(DiskFullError);
    expect(error).toMatchObject({ code: "DiskFull", retryable: true });
    expect(isCausedByFile(error)).toBe(false);
  });

  it("a title that contains the message isn't a full disk", () => {
    const error = failure({ code: 1 }, "ffmpeg", "Invalid title 'No space left on device'");
    expect(error).toMatchObject({ code: "FfmpegFailed" });
  });

  it("only the last lines of stderr are kept, without the source's URL and secret", () => {
    const lines = Array.from(
      { length: 20 },
      (_, line) => `http://source.invalid/video: ${line} 5ec2e7 ${"x".repeat(500)}`,
    );
    const error = failure({ code: 1 }, "ffmpeg", ...lines);
    expect(error?.message).toContain("source: 19 source x");
    expect(error?.message).not.toContain("source: 11 ");
    expect(error?.message).not.toMatch(/5ec2e7|source\.invalid/);
    expect(error?.message.length).toBeLessThan(2_600);
  });
});

describe("a temporary file that can't be written", () => {
  it("for lack of space is a full disk", () => {
    const cause = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    expect(diskFullOr(cause)).toMatchObject({ code: "DiskFull", cause });
  });

  it("for another reason throws the original error", () => {
    const cause = Object.assign(new Error("EIO: i/o error, write"), { code: "EIO" });
    expect(diskFullOr(cause)).toBe(cause);
  });
});

describe("a process that needs more than it may use", () => {
  const LIMITED: AppliedLimits = { cpuSeconds: undefined, wasKilledForMemory: false, memoryShare: 0 };
  const overrun = (exit: Partial<Exit>, limited: Partial<AppliedLimits>, ...lines: string[]) =>
    failureOf("ffprobe", { code: null, signal: null, ...exit }, stderr(...lines), { ...LIMITED, ...limited });

  it.each<[string, Partial<Exit>, Partial<AppliedLimits>, string[], RegExp]>([
    [
      "more tracks",
      { code: 1 },
      {},
      ["exceeds max_streams parameter (256)", "x: Cannot allocate memory"],
      /256 tracks/,
    ],
    ["memory, as it reports", { code: 1 }, {}, ["film.mp4: Cannot allocate memory"], /1,238 MB/],
    ["memory, as x264 reports", { code: 187 }, {}, ["x264 [error]: malloc of size 1627904 failed"], /1,238 MB/],
    [
      "memory, without a message",
      { code: 1 },
      { memoryShare: 0.8 },
      ["Error splitting the input into NAL units."],
      /1,238 MB/,
    ],
    [
      "memory, and takes that for the end of the file",
      { code: 0 },
      { memoryShare: 0.6 },
      ["film.mp4: Cannot allocate memory"],
      /1,238 MB/,
    ],
    [
      "memory, with others together",
      { signal: "SIGKILL" },
      { wasKilledForMemory: true },
      [],
      /together may use 1,504 MB/,
    ],
    ["CPU time", { signal: "SIGXCPU" }, { cpuSeconds: 4 }, [], /within 4 seconds of CPU time/],
  ])("%s: it's rejected, with the limit's name, and never tried again", (_what, exit, limited, lines, message) => {
    const error = overrun(exit, limited, ...lines);
    expect(error).toMatchObject({ code: "RejectedVideo", reason: "LimitExceeded", retryable: false });
    expect(error?.message).toMatch(message);
    expect(isCausedByFile(error)).toBe(false);
  });

  it("isn't one that succeeded with little memory, whatever it prints, or with much of it, printing nothing", () => {
    expect(overrun({ code: 0 }, { memoryShare: 0.2 }, "film.mp4: Cannot allocate memory")).toBeUndefined();
    expect(overrun({ code: 0 }, { memoryShare: 0.9 }, "film.mp4: End of file")).toBeUndefined();
  });

  it.each([126, 127])("isn't one that a shell can't run (%i)", (code) => {
    expect(overrun({ code }, {}, "sh: ffprobe: not found")).toMatchObject({
      code: "ProcessNotStarted",
      retryable: true,
    });
  });
});
