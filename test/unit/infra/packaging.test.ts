import { chmod, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LOCAL_NAMES } from "../../../infra/local/names.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { bundle } from "../../../infra/packaging/bundle.ts";
import {
  MAX_PACKAGE_BYTES,
  PackagingError,
  type Program,
  preparePackage,
  RECORDED,
  sizeOf,
} from "../../../infra/packaging/index.ts";
import { parseSettings } from "../../../infra/settings.ts";
import { topology } from "../../../infra/topology.ts";
import { elfHeader, linkedProgram } from "../../fixtures/elf.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const PROGRAMS = ["ffmpeg", "ffprobe"] as const;

/** Prepares a package with programs of this machine, named as a user would. */
async function prepare(contents: Record<Program, Uint8Array | string>, directory: string): Promise<void> {
  const folder = await temporaryFolder();
  const files = { ffmpeg: join(folder, "ffmpeg"), ffprobe: join(folder, "ffprobe") };
  for (const program of PROGRAMS) {
    await writeFile(files[program], contents[program]);
    await chmod(files[program], 0o744);
  }
  const environment = { FFMPEG_BIN: files.ffmpeg, FFPROBE_BIN: files.ffprobe };
  await preparePackage(directory, { architecture: "arm64", programs: PROGRAMS }, { root: PROJECT_ROOT, environment });
}

const refusal = async (ffmpeg: Uint8Array | string): Promise<string> => {
  const error = await prepare({ ffmpeg, ffprobe: elfHeader("arm64") }, await temporaryFolder()).catch(
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(PackagingError);
  return error.message;
};

describe("given a function that is to be shipped for arm64", () => {
  it("with both programs for arm64, then everyone may execute them: Lambda's user doesn't own them", async () => {
    const directory = await temporaryFolder();
    await prepare({ ffmpeg: elfHeader("arm64"), ffprobe: elfHeader("arm64") }, directory);
    for (const program of PROGRAMS) expect((await stat(join(directory, "bin", program))).mode & 0o777).toBe(0o755);
  });

  it.each([
    ["a program for x86_64", elfHeader("x86_64"), "is for x86_64, but the function runs on arm64"],
    ["a program for a machine that Lambda hasn't", elfHeader("riscv"), "is for machine 243, but"],
    ["a Mac's program", new Uint8Array([0xcf, 0xfa, 0xed, 0xfe, ...new Uint8Array(60)]), "is not a Linux program"],
    ["a script", `#!/bin/sh\nexec /usr/bin/ffmpeg\n${"#".repeat(64)}`, "is not a Linux program"],
    ["half a header", elfHeader("arm64").subarray(0, 10), "is not a Linux program"],
    ["an empty file", new Uint8Array(0), "is not a Linux program"],
    ["a 32-bit program", elfHeader("arm64").with(4, 1), "is not a Linux program"],
    ["half a program", linkedProgram("arm64", ["libc.so.6"]).subarray(0, 130), "is not a Linux program"],
    [
      "a distribution's program",
      linkedProgram("arm64", ["libc.so.6", "libavcodec.so.61", "libavutil.so.59"]),
      "needs libavcodec.so.61, libavutil.so.59, which Lambda doesn't have",
    ],
  ])("with %s in FFMPEG_BIN, then it is refused, and what to do is said", async (_, content, message) => {
    const text = await refusal(content);
    expect(text).toMatch(/^ffmpeg \(FFMPEG_BIN \S+\) /);
    expect(text).toContain(message);
    expect(text).toContain("Name a static Linux ffmpeg for arm64 in FFMPEG_BIN, or unset it.");
  });

  it("with a program that needs nothing but Lambda's own C library, then it is shipped", async () => {
    const ffmpeg = linkedProgram("arm64", ["libm.so.6", "libc.so.6", "ld-linux-aarch64.so.1"]);
    await expect(prepare({ ffmpeg, ffprobe: elfHeader("arm64") }, await temporaryFolder())).resolves.toBeUndefined();
  });

  it("with a file in FFMPEG_BIN that isn't there, then it is named", async () => {
    const sources = { root: PROJECT_ROOT, environment: { FFMPEG_BIN: "/nowhere/ffmpeg" } };
    const outcome = preparePackage(await temporaryFolder(), { architecture: "arm64", programs: ["ffmpeg"] }, sources);
    await expect(outcome).rejects.toThrow("FFMPEG_BIN names /nowhere/ffmpeg, which can't be read");
  });

  it("that is larger than Lambda takes, then it is refused with its size", async () => {
    const directory = await temporaryFolder();
    await writeFile(join(directory, "bundle.mjs"), "");
    await truncate(join(directory, "bundle.mjs"), 251 * 1024 * 1024);
    await expect(prepare({ ffmpeg: elfHeader("arm64"), ffprobe: elfHeader("arm64") }, directory)).rejects.toThrow(
      "is 252 MB unzipped; Lambda's limit is 250 MB",
    );
  });
});

it("given the recorded programs, then the split function isn't larger than Lambda takes, for either architecture", async () => {
  const { handler, programs } = topology(parseSettings({}), LOCAL_NAMES).functions.split;
  const directory = await temporaryFolder();
  await bundle(handler, { root: PROJECT_ROOT, directory });
  const bundled = await sizeOf(directory);
  for (const architecture of ["arm64", "x86_64"] as const) {
    const recorded = programs.map((program) => RECORDED[architecture]?.[program].program.bytes ?? Number.NaN);
    expect(recorded.reduce((sum, bytes) => sum + bytes, bundled)).toBeLessThan(MAX_PACKAGE_BYTES);
  }
});
