/**
 * How a handler is bundled, by SST's builder for Lambda and by the local stack: the same code runs in both. Minified, it's 0.8 MB instead of
 * 1.9, and no slower to import; `keepNames` (SST's default) keeps the names of classes, which logs and retries go by.
 */
export const BUNDLING = { format: "esm", minify: true, keepNames: true, target: "es2024" } as const;

/** Packages with a program inside: they find it beside their own file, so they can't be part of a bundle. Each may be absent. */
export const PROGRAM_PACKAGES = ["ffmpeg-static", "@ffmpeg-installer/ffmpeg", "@ffprobe-installer/ffprobe"] as const;

/** What SST's builder does of itself, and the local stack's has to be told. */
export const SST_DEFAULTS = { mainFields: ["module", "main"], platform: "node" } as const;

type Manifest = { optionalDependencies?: Record<string, string>; dependencies?: Record<string, string> };

/** Exact, or what is shipped is another program than the one that was tested. */
const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

/** Versions of packages that are installed beside a bundle, as package.json pins them. Throws where it doesn't. */
export function pinnedVersions(packages: readonly string[], manifest: Manifest): Record<string, string> {
  const pinned = { ...manifest.dependencies, ...manifest.optionalDependencies };
  return Object.fromEntries(
    packages.map((name) => {
      const version = pinned[name];
      if (version === undefined || !EXACT_VERSION.test(version))
        throw new Error(
          `package.json must pin ${name} to an exact version, since it's shipped with a function; it has ${version}`,
        );
      return [name, version];
    }),
  );
}
