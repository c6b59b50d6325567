import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { PackagingError, type Program, preparePackage, type ShippedProgram } from "../../../infra/packaging/index.ts";
import { recordChecksums } from "../../../infra/packaging/record.ts";
import { serve } from "../../fixtures/http.ts";
import { type FakeRelease, fakeRelease, half, RELEASE, serveRelease, status, whole } from "../../fixtures/releases.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const ARCHIVE = `${RELEASE}-ffmpeg-linux-arm64.gz`;

const BOTH = ["ffmpeg", "ffprobe"] as const;

type World = { release: FakeRelease; root: string; cache: string };

async function world(): Promise<World> {
  const folder = await temporaryFolder();
  return { release: fakeRelease(), root: join(folder, "project"), cache: join(folder, "cache") };
}

type Options = { directory?: string; programs?: readonly Program[] };

/** One deployment's step: into a folder of its own, from a mirror. */
async function deploy(of: World, mirror: string, { directory, programs = ["ffmpeg"] }: Options = {}) {
  const environment = { XDG_CACHE_HOME: of.cache, FFMPEG_BINARIES_URL: mirror };
  const sources = { root: of.root, environment, checksums: of.release.checksums };
  return preparePackage(directory ?? (await temporaryFolder()), { architecture: "arm64", programs }, sources);
}

async function refusal(of: World, mirror: string, programs: readonly Program[] = ["ffmpeg"]): Promise<string> {
  const directory = await temporaryFolder();
  const error = await deploy(of, mirror, { directory, programs }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(PackagingError);
  expect(error.message).not.toContain("\n");
  expect(await readdir(directory)).toEqual([]);
  return error.message;
}

const ffmpegOf = ([ffmpeg]: ShippedProgram[]) => ffmpeg;

describe("given a release that can be downloaded", () => {
  it("then both programs are verified, shipped, and taken from the cache by the second deployment", async () => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, whole);
    const directory = await temporaryFolder();
    const sums = given.release.checksums.arm64;
    const shipped = await deploy(given, `${url}/mirror/`, { directory, programs: BOTH });
    const paths = BOTH.map((program) => `/mirror/${RELEASE}/${program}-linux-arm64.gz`);
    expect(shipped).toMatchObject(
      BOTH.map((program, index) => ({
        program,
        source: `${url}${paths[index]}`,
        from: "network",
        file: `bin/${program}`,
        archive: sums?.[program].archive,
        ...sums?.[program].program,
      })),
    );
    expect(requests).toEqual(paths);
    for (const program of BOTH) {
      const file = join(directory, "bin", program);
      expect(await readFile(file)).toEqual(given.release.files.arm64[program].content);
      expect((await stat(file)).mode & 0o777).toBe(0o755);
    }
    const again = await deploy(given, "http://127.0.0.1:9", { programs: BOTH });
    expect(again.map(({ from }) => from)).toEqual(["cache", "cache"]);
  });

  it("by a redirect to another host, as GitHub answers, then it is followed", async () => {
    const given = await world();
    const assets = await serveRelease(given.release, whole);
    const github = await serve((_, response) =>
      response.writeHead(302, { location: `${assets.url}/asset?name=arm64` }).end(),
    );
    expect(ffmpegOf(await deploy(given, github))?.from).toBe("network");
    expect(assets.requests).toEqual(["/asset?name=arm64"]);
  });

  it.each([
    ["half of the file", half],
    ["503", status(503)],
  ])("at the second attempt after %s, then it is shipped", async (_, fault) => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, fault, whole);
    expect(ffmpegOf(await deploy(given, url))?.from).toBe("network");
    expect(requests).toHaveLength(2);
  });

  it("and a cached file that is broken, then it is downloaded again and replaced", async () => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, whole);
    const file = join(given.cache, "video-split", ARCHIVE);
    const { archive } = given.release.files.arm64.ffmpeg;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, archive.subarray(0, 1_000));
    expect(ffmpegOf(await deploy(given, url))?.from).toBe("network");
    expect(requests).toHaveLength(1);
    expect(await readFile(file)).toEqual(Buffer.from(archive));
  });

  it("by two concurrent deployments, then both ship it, and the cache holds whole files alone", async () => {
    const given = await world();
    const { url } = await serveRelease(given.release, whole);
    const shipped = await Promise.all([deploy(given, url), deploy(given, url)]);
    for (const programs of shipped)
      expect(ffmpegOf(programs)).toMatchObject(given.release.checksums.arm64?.ffmpeg.program ?? {});
    expect(await readdir(join(given.cache, "video-split"))).toEqual([ARCHIVE]);
  });

  it("and a cache that can't be written, then it is shipped anyway", async () => {
    const given = await world();
    const { url } = await serveRelease(given.release, whole);
    await mkdir(join(given.cache, "video-split", ARCHIVE), { recursive: true });
    expect(ffmpegOf(await deploy(given, url))?.from).toBe("network");
    expect((await readdir(join(given.cache, "video-split"))).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });
});

describe("given a release that can't be downloaded", () => {
  const ADVICE =
    /Try again, or name a mirror in FFMPEG_BINARIES_URL, or a static Linux ffmpeg for arm64 on this machine in FFMPEG_BIN\.$/;

  it("since nothing listens there, then one sentence names the host and the alternatives", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => closed.once("listening", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const message = await refusal(await world(), `http://127.0.0.1:${port}`);
    expect(message).toContain(
      `127.0.0.1:${port} can't be reached (connect ECONNREFUSED 127.0.0.1:${port}), tried 3 times`,
    );
    expect(message).toMatch(ADVICE);
  });

  it("but only its ffmpeg, then the deployment fails, and the message names ffprobe's own alternatives", async () => {
    const given = await world();
    const { url } = await serveRelease(given.release, whole, status(404));
    const message = await deploy(given, url, { programs: BOTH }).catch((error: Error) => error.message);
    expect(message).toContain(`answers 404 for /${RELEASE}/ffprobe-linux-arm64.gz`);
    expect(message).toMatch(/a static Linux ffprobe for arm64 on this machine in FFPROBE_BIN\.$/);
  });

  it("since the host that it is redirected to can't be reached, then that one is named", async () => {
    const github = await serve((_, response) => response.writeHead(302, { location: "http://assets.invalid/x" }).end());
    expect(await refusal(await world(), github)).toContain("assets.invalid can't be reached");
  });

  it("since it answers 404, then it isn't requested again", async () => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, status(404));
    const message = await refusal(given, url);
    expect(message).toContain(`answers 404 for /${RELEASE}/ffmpeg-linux-arm64.gz`);
    expect(message).toMatch(ADVICE);
    expect(requests).toHaveLength(1);
  });

  it("since only half of it comes each time, then both lengths are named", async () => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, half);
    expect(await refusal(given, url)).toMatch(/the connection ended after \d+ of \d+ bytes \(.+\), tried 3 times/);
    expect(requests).toHaveLength(3);
  });

  it("since it always redirects, then the download fails", async () => {
    const loop = await serve((_, response) => response.writeHead(302, { location: "/again" }).end());
    expect(await refusal(await world(), loop)).toContain("redirects more than 5 times");
  });

  it("since FFMPEG_BINARIES_URL is no URL, then its value is named", async () => {
    expect(await refusal(await world(), "mirror")).toBe(
      'FFMPEG_BINARIES_URL must be an http or https URL, not "mirror"',
    );
  });
});

describe("given a download that isn't the recorded file", () => {
  it("of the same length, then it is refused with both sums, and not kept", async () => {
    const given = await world();
    const other = fakeRelease();
    const { archive } = given.release.files.arm64.ffmpeg;
    const changed = Buffer.from(archive);
    changed[changed.length - 10] = (changed.at(-10) ?? 0) ^ 1;
    other.files.arm64.ffmpeg.archive = changed;
    const { url } = await serveRelease(other, whole);
    const message = await refusal(given, url);
    expect(message).toContain(`${ARCHIVE} isn't the file whose checksum is recorded: expected `);
    expect(message.match(/sha256:[0-9a-f]{64} of \d+ bytes/g)).toHaveLength(2);
    await expect(readdir(join(given.cache, "video-split"))).rejects.toThrow("ENOENT");
  });

  it("but longer, then it isn't read to its end", async () => {
    const given = await world();
    const { url } = await serveRelease(given.release, (response) => void response.end(Buffer.alloc(300_000)));
    expect(await refusal(given, url)).toMatch(/it sends more than \d+ bytes/);
  });

  it.each(BOTH)("but an archive of %s with another program inside, then it is refused", async (program) => {
    const given = await world();
    const { arm64 } = given.release.checksums;
    if (arm64 === undefined) throw new Error("a fake release has sums for arm64");
    const sums = { archive: arm64[program].archive, program: arm64[program].archive };
    const checksums = { ...given.release.checksums, arm64: { ...arm64, [program]: sums } };
    const { url } = await serveRelease(given.release, whole);
    expect(await refusal({ ...given, release: { ...given.release, checksums } }, url, [program])).toContain(
      `${program} isn't the program whose checksum is recorded in infra/packaging/checksums.json: expected sha256:`,
    );
  });
});

describe("given a release without recorded checksums", () => {
  it("then nothing is downloaded until they are recorded, and then only those files are shipped", async () => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, whole);
    const { arm64, x86_64: _, ...versions } = given.release.checksums;
    const unrecorded = { ...given, release: { ...given.release, checksums: versions } };
    expect(await refusal(unrecorded, url)).toContain("npx video-split package --architecture arm64 --record");
    expect(requests).toEqual([]);
    await mkdir(join(given.root, "infra", "packaging"), { recursive: true });
    const environment = { XDG_CACHE_HOME: given.cache, FFMPEG_BINARIES_URL: url };
    await recordChecksums(["arm64"], { root: given.root, environment, checksums: versions });
    const checksums = JSON.parse(await readFile(join(given.root, "infra/packaging/checksums.json"), "utf8"));
    expect(checksums).toEqual({ ...versions, arm64 });
    const recorded = { ...given, release: { ...given.release, checksums } };
    const shipped = await deploy(recorded, url, { programs: BOTH });
    expect(shipped).toMatchObject(BOTH.map((program) => checksums.arm64[program].program));
    const other = fakeRelease();
    other.files.arm64.ffmpeg.archive = gzipSync("another program");
    const changed = await serveRelease(other);
    const elsewhere = { ...recorded, cache: await temporaryFolder() };
    expect(await refusal(elsewhere, changed.url)).toContain("isn't the file whose checksum is recorded");
  });
});
