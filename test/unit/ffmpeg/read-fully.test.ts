import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readFully } from "../../../services/ffmpeg/process/read-fully.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** A file whose reads return at most three bytes, as interrupted reads do. */
const interrupted = (content: Buffer) => {
  const read = async (target: Buffer, offset: number, length: number, position: number) => {
    const bytesRead = content.copy(target, offset, position, Math.min(position + Math.min(length, 3), content.length));
    return { bytesRead, buffer: target };
  };
  return { read } as Parameters<typeof readFully>[0];
};

describe("reading exactly the requested bytes", () => {
  it("continues when a read returns fewer bytes than requested", async () => {
    const content = Buffer.from("0123456789");
    expect((await readFully(interrupted(content), 2, 7)).toString()).toBe("2345678");
    expect(await readFully(interrupted(content), 4, 0)).toHaveLength(0);
  });

  it("throws a typed error when the file ends before", async () => {
    const path = join(await temporaryFolder(), "short");
    await writeFile(path, "0123456789");
    const file = await open(path);
    onTestFinished(() => file.close());
    expect((await readFully(file, 8, 2)).toString()).toBe("89");
    await expect(readFully(file, 8, 3)).rejects.toMatchObject({
      code: "UnexpectedEndOfFile",
      retryable: true,
      message: "The file ends at byte 10; expected at least 11 bytes",
    });
  });
});
