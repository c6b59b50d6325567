import { chmod, mkdir, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { PackagingError, preparePackage } from "../../../infra/packaging.ts";
import { elfHeader } from "../../fixtures/elf.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const FFMPEG = "ffmpeg-static/ffmpeg";
const FFPROBE = "@ffprobe-installer/linux-arm64/ffprobe";
const FUNCTION = { architecture: "arm64", packages: ["ffmpeg-static", "@ffprobe-installer/ffprobe"] } as const;

/** A function as npm leaves it: the program of each package, by its path below node_modules. */
async function packageOf(programs: Record<string, Uint8Array | string>): Promise<string> {
  const directory = await temporaryFolder();
  for (const [path, content] of Object.entries(programs)) {
    const file = join(directory, "node_modules", path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return directory;
}

const complaint = async (programs: Record<string, Uint8Array | string>): Promise<string> => {
  const directory = await packageOf(programs);
  return preparePackage(directory, FUNCTION).then(
    () => "",
    (error) => {
      expect(error).toBeInstanceOf(PackagingError);
      return error.message;
    },
  );
};

describe("given a function that is to be shipped for arm64", () => {
  it("with both programs for arm64, then everyone may execute them: Lambda's user doesn't own them", async () => {
    const directory = await packageOf({ [FFMPEG]: elfHeader("arm64"), [FFPROBE]: elfHeader("arm64") });
    await chmod(join(directory, "node_modules", FFPROBE), 0o744);
    await preparePackage(directory, FUNCTION);
    for (const program of [FFMPEG, FFPROBE])
      expect((await stat(join(directory, "node_modules", program))).mode & 0o777).toBe(0o755);
  });

  it.each([
    ["a program for x86_64", elfHeader("x86_64"), "is for x86_64, but the function runs on arm64"],
    ["a program for a machine that Lambda hasn't", elfHeader("riscv"), "is for machine 243, but"],
    ["a Mac's program", new Uint8Array([0xcf, 0xfa, 0xed, 0xfe, ...new Uint8Array(60)]), "is no Linux program"],
    ["a script", "#!/bin/sh\nexec /usr/bin/ffmpeg\n", "is no Linux program"],
    ["half a download", elfHeader("arm64").subarray(0, 10), "is no Linux program"],
    ["an empty file", new Uint8Array(0), "is no Linux program"],
    ["a 32-bit program", elfHeader("arm64").with(4, 1), "is no Linux program"],
  ])("with %s, then it is refused", async (_, content, message) => {
    expect(await complaint({ [FFMPEG]: content, [FFPROBE]: elfHeader("arm64") })).toContain(`${FFMPEG} ${message}`);
  });

  it("without a program, then it is refused with what to do", async () => {
    expect(await complaint({ [FFPROBE]: elfHeader("arm64") })).toContain(
      "ffmpeg-static was installed without its program ffmpeg-static/ffmpeg. Its install script downloads it",
    );
    expect(await complaint({ [FFMPEG]: elfHeader("arm64") })).toContain(`without its program ${FFPROBE}`);
  });

  it("with the program of another architecture only, then it is refused", async () => {
    const other = FFPROBE.replace("arm64", "x64");
    expect(await complaint({ [FFMPEG]: elfHeader("arm64"), [other]: elfHeader("x86_64") })).toContain(
      `without its program ${FFPROBE}`,
    );
  });

  it("that is larger than Lambda takes, then it is refused with its size", async () => {
    const directory = await packageOf({ [FFMPEG]: elfHeader("arm64"), [FFPROBE]: elfHeader("arm64") });
    await truncate(join(directory, "node_modules", FFMPEG), 251 * 1024 * 1024);
    await expect(preparePackage(directory, FUNCTION)).rejects.toThrow("is 252 MB unzipped; Lambda takes 250 MB");
  });
});
