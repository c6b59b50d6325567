import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { PackagingError, preparePackage, type ShippedProgram } from "../../../infra/packaging/index.ts";
import { recordChecksums } from "../../../infra/packaging/record.ts";
import { elfHeader } from "../../fixtures/elf.ts";
import { serve } from "../../fixtures/http.ts";
import {
  type FakeRelease,
  fakeRelease,
  half,
  projectWithFfprobe,
  RELEASE,
  serveRelease,
  status,
  whole,
} from "../../fixtures/releases.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const FFPROBE = elfHeader("arm64");
const ARCHIVE = `${RELEASE}-ffmpeg-linux-arm64.gz`;

type World = { release: FakeRelease; root: string; cache: string };

async function world(): Promise<World> {
  const release = fakeRelease({ arm64: FFPROBE, x86_64: FFPROBE });
  return { release, ...(await projectWithFfprobe(await temporaryFolder(), FFPROBE)) };
}

/** One deployment's step: into a folder of its own, from a mirror. */
async function deploy({ release, root, cache }: World, mirror: string, directory?: string): Promise<ShippedProgram[]> {
  const environment = { XDG_CACHE_HOME: cache, FFMPEG_BINARIES_URL: mirror };
  const sources = { root, environment, checksums: release.checksums };
  const target = { architecture: "arm64", programs: ["ffmpeg", "ffprobe"] } as const;
  return preparePackage(directory ?? (await temporaryFolder()), target, sources);
}

async function refusal(of: World, mirror: string): Promise<string> {
  const directory = await temporaryFolder();
  const error = await deploy(of, mirror, directory).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(PackagingError);
  expect(error.message).not.toContain("\n");
  expect(await readdir(directory)).toEqual([]);
  return error.message;
}

const ffmpegOf = ([ffmpeg]: ShippedProgram[]) => ffmpeg;

describe("given a release that can be downloaded", () => {
  it("then ffmpeg is verified, shipped, and taken from the cache by the second deployment", async () => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, whole);
    const directory = await temporaryFolder();
    expect(await deploy(given, `${url}/mirror/`, directory)).toMatchObject([
      {
        program: "ffmpeg",
        source: `${url}/mirror/${RELEASE}/ffmpeg-linux-arm64.gz`,
        from: "network",
        file: "bin/ffmpeg",
        archive: given.release.checksums.arm64?.archive,
        ...given.release.checksums.arm64?.ffmpeg,
      },
      { program: "ffprobe", from: "cache", file: "bin/ffprobe", ...given.release.checksums.arm64?.ffprobe },
    ]);
    expect(await readFile(join(directory, "bin", "ffmpeg"))).toEqual(given.release.programs.arm64);
    expect((await stat(join(directory, "bin", "ffmpeg"))).mode & 0o777).toBe(0o755);
    expect(requests).toEqual([`/mirror/${RELEASE}/ffmpeg-linux-arm64.gz`]);
    expect(ffmpegOf(await deploy(given, url))?.from).toBe("cache");
    expect(requests).toHaveLength(1);
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
    await writeFile(file, given.release.archives.arm64.subarray(0, 1_000));
    expect(ffmpegOf(await deploy(given, url))?.from).toBe("network");
    expect(requests).toHaveLength(1);
    expect(await readFile(file)).toEqual(Buffer.from(given.release.archives.arm64));
  });

  it("by two deployments at once, then both ship it, and the cache holds whole files alone", async () => {
    const given = await world();
    const { url } = await serveRelease(given.release, whole);
    const shipped = await Promise.all([deploy(given, url), deploy(given, url)]);
    for (const programs of shipped)
      expect(ffmpegOf(programs)).toMatchObject(given.release.checksums.arm64?.ffmpeg ?? {});
    const files = await readdir(join(given.cache, "video-split"));
    expect(files.filter((name) => !name.startsWith("@ffprobe"))).toEqual([ARCHIVE]);
  });

  it("and a cache that can't be written, then it is shipped all the same", async () => {
    const given = await world();
    const { url } = await serveRelease(given.release, whole);
    await mkdir(join(given.cache, "video-split", ARCHIVE));
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

  it("since the host that it is redirected to can't be reached, then that one is named", async () => {
    const github = await serve((_, response) => response.writeHead(302, { location: "http://assets.invalid/x" }).end());
    expect(await refusal(await world(), github)).toContain("assets.invalid can't be reached");
  });

  it("since it answers 404, then it isn't asked again", async () => {
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

  it("since it redirects for ever, then it gives up", async () => {
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
    const other = Buffer.from(given.release.archives.arm64);
    other[other.length - 10] = (other.at(-10) ?? 0) ^ 1;
    const { url } = await serveRelease(
      { ...given.release, archives: { ...given.release.archives, arm64: other } },
      whole,
    );
    const message = await refusal(given, url);
    expect(message).toContain(`${ARCHIVE} isn't the file whose checksum is recorded: expected `);
    expect(message.match(/sha256:[0-9a-f]{64} of \d+ bytes/g)).toHaveLength(2);
    expect(await readdir(join(given.cache, "video-split"))).not.toContain(ARCHIVE);
  });

  it("but longer, then it isn't read to its end", async () => {
    const given = await world();
    const { url } = await serveRelease(given.release, (response) => void response.end(Buffer.alloc(300_000)));
    expect(await refusal(given, url)).toMatch(/it sends more than \d+ bytes/);
  });

  it("but an archive with another program inside, then it is refused", async () => {
    const given = await world();
    const { arm64 } = given.release.checksums;
    const checksums = { ...given.release.checksums, ...(arm64 && { arm64: { ...arm64, ffmpeg: arm64.ffprobe } }) };
    const { url } = await serveRelease(given.release, whole);
    expect(await refusal({ ...given, release: { ...given.release, checksums } }, url)).toContain(
      "ffmpeg isn't the program whose checksum is recorded in infra/packaging/checksums.json: expected sha256:",
    );
  });
});

describe("given a release without recorded checksums", () => {
  it("then nothing is downloaded until they are recorded, and then only that file is shipped", async () => {
    const given = await world();
    const { url, requests } = await serveRelease(given.release, whole);
    const unrecorded = { ...given, release: { ...given.release, checksums: { release: RELEASE } } };
    expect(await refusal(unrecorded, url)).toContain("npm run package -- --architecture arm64 --record");
    expect(requests).toEqual([]);
    await mkdir(join(given.root, "infra", "packaging"), { recursive: true });
    const environment = { XDG_CACHE_HOME: given.cache, FFMPEG_BINARIES_URL: url };
    await recordChecksums(["arm64"], { root: given.root, environment, checksums: { release: RELEASE } });
    const checksums = JSON.parse(await readFile(join(given.root, "infra/packaging/checksums.json"), "utf8"));
    expect(checksums).toEqual({ release: RELEASE, arm64: given.release.checksums.arm64 });
    const recorded = { ...given, release: { ...given.release, checksums } };
    expect(ffmpegOf(await deploy(recorded, url))).toMatchObject(checksums.arm64.ffmpeg);
    const other = await serveRelease({ ...given.release, archives: { arm64: gzipSync("x"), x86_64: gzipSync("x") } });
    expect(
      await refusal({ ...recorded, ...(await projectWithFfprobe(await temporaryFolder(), FFPROBE)) }, other.url),
    ).toContain("isn't the file whose checksum is recorded");
  });
});
