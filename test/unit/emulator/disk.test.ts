import { describe, expect, it, vi } from "vitest";
import { DiskFullError, diskFull, isDiskFull, refusedByDisk, watchDisk } from "../../../infra/emulator/disk.ts";

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });
const level = (why: string) => new Error(`IO error: /state/dynamodb/000003.log: ${why}`);

describe("a full disk", () => {
  it.each([
    coded("ENOSPC"),
    coded("EDQUOT"),
    coded("EFBIG"),
    level("No space left on device"),
    level("File too large"),
    new Error("not open", { cause: level("No space left on device") }),
  ])("is detected from the error: %s", (error) => {
    expect(isDiskFull(error)).toBe(true);
  });

  it.each([coded("EACCES"), level("Input/output error"), new Error("ffmpeg: No space left on device"), "ENOSPC"])(
    "isn't any other error: %s",
    (error) => {
      expect(isDiskFull(error)).toBe(false);
      expect(refusedByDisk(error, "/state/s3/journal.jsonl")).toBe(error);
    },
  );

  it("names the file, also where only the error knows it", () => {
    expect(diskFull(coded("ENOSPC", { path: "/state/a" })).message).toContain("(/state/a could not be written)");
    expect(diskFull(level("No space left on device")).message).toContain("(/state/dynamodb/000003.log could not");
  });

  it("is reported to who watches the folder that the file is in, and to no other", () => {
    const [own, other] = [vi.fn(), vi.fn()];
    const unwatch = [watchDisk("/state", own), watchDisk("/state-of-another", other)];
    const error = refusedByDisk(coded("ENOSPC"), "/state/s3/journal.jsonl");
    expect(error).toBeInstanceOf(DiskFullError);
    expect(own).toHaveBeenCalledExactlyOnceWith(error);
    for (const stop of unwatch) stop();
    refusedByDisk(coded("ENOSPC"), "/state/s3/journal.jsonl");
    expect(own).toHaveBeenCalledTimes(1);
    expect(other).not.toHaveBeenCalled();
  });
});
