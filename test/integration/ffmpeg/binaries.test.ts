import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { findBinaries, MissingBinaryError, oldProgramsWarning, readVersion } from "../../../services/ffmpeg/index.ts";
import { binaries } from "../../fixtures/media.ts";
import { quickStart } from "../../fixtures/quick-start.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const run = promisify(execFile);

async function script(folder: string, name: string, body: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("finding ffmpeg", () => {
  it("prefers what the environment names", async () => {
    const folder = await temporaryFolder();
    const ffmpegPath = await script(folder, "my-ffmpeg", "exit 0");
    const { ffprobe } = await binaries;
    expect(await findBinaries({ ffmpegPath, ffprobePath: ffprobe, path: "" })).toEqual({ ffmpeg: ffmpegPath, ffprobe });
  });

  it("reports why a named one doesn't run, and doesn't use another", async () => {
    const folder = await temporaryFolder();
    const ffmpegPath = await script(folder, "ffmpeg", "exit 3");
    const failure = findBinaries({ ffmpegPath, path: process.env.PATH });
    await expect(failure).rejects.toBeInstanceOf(MissingBinaryError);
    await expect(failure).rejects.toThrow(/apt-get install ffmpeg.*FFMPEG_PATH/);
  });

  it("takes a trusted one without running it, unless it can't be executed", async () => {
    const folder = await temporaryFolder();
    const [ffmpegPath, ffprobePath] = [
      await script(folder, "ffmpeg", "exit 3"),
      await script(folder, "ffprobe", "exit 3"),
    ];
    const named = { ffmpegPath, ffprobePath, path: "", isTrusted: true };
    expect(await findBinaries(named)).toEqual({ ffmpeg: ffmpegPath, ffprobe: ffprobePath });
    await chmod(ffprobePath, 0o644);
    await expect(findBinaries(named)).rejects.toBeInstanceOf(MissingBinaryError);
  });

  it("falls back to the npm packages when the one in PATH doesn't run", async () => {
    const folder = await temporaryFolder();
    await script(folder, "ffprobe", "exit 1");
    const found = await findBinaries({ ffmpegPath: (await binaries).ffmpeg, path: folder });
    expect(found.ffprobe).toMatch(/@derhuerst|@ffprobe-installer/);
  });
});

describe("the script that the tests put before ffmpeg", () => {
  it("is the same program, which starts with fewer libraries", async () => {
    const { ffmpeg } = await binaries;
    const [, program = ffmpeg] = / exec (\S+) "\$@"/.exec((await readFile(ffmpeg)).toString("latin1", 0, 4_096)) ?? [];
    const folder = await temporaryFolder();
    const quick = await quickStart(program, folder);
    expect(await quickStart(program, folder)).toBe(quick);
    expect(await readVersion(quick)).toEqual(await readVersion(program));
    const made = async (by: string) => {
      const inputs = ["-f", "lavfi", "-i", "testsrc2=duration=1:size=64x36", "-f", "lavfi", "-i", "sine=duration=1"];
      await run(by, [...inputs, "-bitexact", "-y", join(folder, "made.mkv")]);
      return readFile(join(folder, "made.mkv"));
    };
    expect((await made(quick)).equals(await made(program))).toBe(true);
  });

  it("isn't put before another script", async () => {
    const folder = await temporaryFolder();
    const named = await script(folder, "my-ffmpeg", "exit 0");
    expect(await quickStart(named, folder)).toBe(named);
  });
});

describe("an ffmpeg that is too new", () => {
  // As 9.0.2 does.
  const WITHOUT_VSYNC = `case "$*" in *-vsync*) echo "Unrecognized option 'vsync'." >&2; exit 8;; esac`;

  it("is skipped, and rejected when the environment names it", async () => {
    const folder = await temporaryFolder();
    const ffmpegPath = await script(folder, "ffmpeg", WITHOUT_VSYNC);
    const { ffprobe: ffprobePath } = await binaries;
    const { ffmpeg } = await findBinaries({ ffprobePath, path: folder });
    expect(ffmpeg).toContain("node_modules");
    const named = findBinaries({ ffmpegPath, ffprobePath, path: "" });
    await expect(named).rejects.toThrow("it is too new: it has no option -vsync");
  });
});

describe("an old ffmpeg or ffprobe", () => {
  const of = (name: string, version: string, year: number) =>
    `echo "${name} version ${version} Copyright (c) 2000-${year} the FFmpeg developers"`;
  const warningOf = async (ffmpeg: string, ffprobe: string) => {
    const folder = await temporaryFolder();
    const programs = {
      ffmpeg: await script(folder, "ffmpeg", ffmpeg),
      ffprobe: await script(folder, "ffprobe", ffprobe),
    };
    return oldProgramsWarning(programs, () => new Date("2026-11-26"));
  };

  it("causes one warning with its version, its year, and what to do", async () => {
    const [ffmpeg, ffprobe] = [of("ffmpeg", "N-47683-g0e8eb07980-static", 2018), of("ffprobe", "5.1", 2023)];
    expect(await warningOf(ffmpeg, ffprobe)).toMatch(
      /^ffmpeg N-47683-g0e8eb07980 is from 2018 and ffprobe 5\.1 is from 2023: they lack .* FFMPEG_PATH and FFPROBE_PATH\.$/,
    );
  });

  it("isn't an old version with the security fixes of this year", async () => {
    const [ffmpeg, ffprobe] = [of("ffmpeg", "5.1.9-0+deb12u1", 2026), of("ffprobe", "n7.0.2", 2024)];
    expect(await warningOf(ffmpeg, ffprobe)).toBeUndefined();
  });

  it("isn't reported when a program doesn't print its version", async () => {
    expect(await warningOf("exit 0", "exit 1")).toBeUndefined();
  });

  it("is in the npm packages", async () => {
    const { default: ffmpeg } = await import("@ffmpeg-installer/ffmpeg");
    const { default: ffprobe } = await import("@ffprobe-installer/ffprobe");
    const warning = await oldProgramsWarning({ ffmpeg: ffmpeg.path, ffprobe: ffprobe.path });
    expect(warning).toMatch(/^ffmpeg \S+ is from 20\d\d and ffprobe \S+ is from 20\d\d: they lack /);
  });
});
