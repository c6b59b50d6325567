import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { PackagingError, preparePackage, RECORDED, type Sources } from "../../../infra/packaging/index.ts";
import { fakeRelease, serveRelease, whole } from "../../fixtures/releases.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const run = promisify(execFile);

const MAJORS = [11, 12] as const;

const NOTHING = new Uint8Array(0);

const PACKAGES = { arm64: "@ffprobe-installer/linux-arm64@5.2.0", x86_64: "@ffprobe-installer/linux-x64@5.2.0" };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-npm-"));
  for (const major of MAJORS) {
    const prefix = join(folder, String(major));
    await mkdir(prefix);
    await run("npm", ["install", "--prefix", prefix, "--no-save", "--loglevel=error", `npm@${major}`], { cwd: folder });
    const { stdout } = await run("npm", ["--version"], { env: { ...process.env, PATH: pathOf(major) } });
    expect(Number.parseInt(stdout, 10)).toBe(major);
  }
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const pathOf = (major: number): string =>
  [join(folder, String(major), "node_modules", ".bin"), dirname(process.execPath), process.env.PATH].join(delimiter);

/** An environment whose npm is of this major version, with a cache of ours that is empty. */
async function environmentOf(major: number): Promise<Record<string, string | undefined>> {
  const XDG_CACHE_HOME = await temporaryFolder();
  return { ...process.env, PATH: pathOf(major), XDG_CACHE_HOME, FFPROBE_BIN: undefined, FFMPEG_BIN: undefined };
}

/** The real ffprobe's checksums, with a made-up ffmpeg that a server on loopback has. */
async function realFfprobe(major: number): Promise<Sources & { sums: typeof RECORDED }> {
  const release = fakeRelease({ arm64: NOTHING, x86_64: NOTHING });
  const { url } = await serveRelease(release, whole);
  const checksums = { ...release.checksums };
  for (const name of ["arm64", "x86_64"] as const) {
    const [fake, recorded] = [release.checksums[name], RECORDED[name]];
    if (fake && recorded) checksums[name] = { ...fake, ffprobe: recorded.ffprobe };
  }
  const environment = { ...(await environmentOf(major)), FFMPEG_BINARIES_URL: url };
  return { root: PROJECT_ROOT, environment, checksums, sums: checksums };
}

describe.each(MAJORS)("given npm %i", { tags: "full" }, (major) => {
  it.each(["arm64", "x86_64"] as const)(
    "then both programs for %s are fetched, verified and shipped, and the second time nothing is",
    async (architecture) => {
      const sources = await realFfprobe(major);
      const target = { architecture, programs: ["ffmpeg", "ffprobe"] } as const;
      const directory = await temporaryFolder();
      const shipped = await preparePackage(directory, target, sources);
      expect(shipped).toMatchObject([
        { program: "ffmpeg", from: "network", ...sources.sums[architecture]?.ffmpeg },
        {
          program: "ffprobe",
          from: "network",
          source: PACKAGES[architecture],
          ...RECORDED[architecture]?.ffprobe,
        },
      ]);
      expect((await stat(join(directory, "bin", "ffprobe"))).mode & 0o777).toBe(0o755);
      const offline = { ...sources.environment, PATH: "", FFMPEG_BINARIES_URL: "http://127.0.0.1:9" };
      const again = await preparePackage(await temporaryFolder(), target, { ...sources, environment: offline });
      expect(again.map(({ from }) => from)).toEqual(["cache", "cache"]);
    },
    120_000,
  );

  it("and a registry that can't be reached, then one sentence says so, and what to do", async () => {
    const environment = {
      ...(await environmentOf(major)),
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
      npm_config_cache: await temporaryFolder(),
    };
    const sources = { root: PROJECT_ROOT, environment };
    const error = await preparePackage(
      await temporaryFolder(),
      { architecture: "arm64", programs: ["ffprobe"] },
      sources,
    ).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(PackagingError);
    expect(error.message).toMatch(
      /^npm pack @ffprobe-installer\/linux-arm64@5\.2\.0 failed: .*ECONNREFUSED 127\.0\.0\.1:9\. Look at the registry with "npm config get registry", or name a static Linux ffprobe on this machine in FFPROBE_BIN\.$/,
    );
  });

  it("and a package that isn't the one of package-lock.json, then it is refused with both sums", async () => {
    const root = await temporaryFolder();
    const lock = await readFile(join(PROJECT_ROOT, "package-lock.json"), "utf8");
    const { packages } = JSON.parse(lock);
    const { integrity } = packages["node_modules/@ffprobe-installer/linux-arm64"];
    const other = packages["node_modules/@ffprobe-installer/linux-x64"].integrity;
    await writeFile(join(root, "package-lock.json"), lock.replace(integrity, other));
    const sources = { root, environment: await environmentOf(major) };
    const target = { architecture: "arm64", programs: ["ffprobe"] } as const;
    await expect(preparePackage(await temporaryFolder(), target, sources)).rejects.toThrow(
      `@ffprobe-installer-linux-arm64-5.2.0.tgz isn't the file whose checksum is recorded: expected ${other}, got ${integrity} of`,
    );
  });
});
