/**
 * How a handler is bundled, by SST's builder for Lambda and by the local stack: the same code runs
 * in both. Minified, it's 0.8 MB instead of 1.9, and no slower to import; `keepNames` (SST's
 * default) keeps the names of classes, which logs and retries go by.
 */
export const BUNDLING = { format: "esm", minify: true, keepNames: true, target: "es2024" } as const;

/**
 * Packages with a program inside, for the machine that they are installed on: they find it beside
 * their own file, so they can't be part of a bundle. Each may be absent, and none is in Lambda,
 * where programs are in `bin` beside the bundle.
 */
export const PROGRAM_PACKAGES = [
  "ffmpeg-static",
  "@derhuerst/ffprobe-static",
  "@ffmpeg-installer/ffmpeg",
  "@ffprobe-installer/ffprobe",
] as const;

/** Options that SST's builder sets by itself, for the local stack's. */
export const SST_DEFAULTS = { mainFields: ["module", "main"], platform: "node" } as const;
