import { join } from "node:path";
import { ffmpeg } from "../../fixtures/media.ts";

/** How a video is made. `size`, `rate` and `seconds` have defaults. */
type Recipe = {
  name: string;
  /** ffmpeg's options of the encoder. */
  options: readonly string[];
  content?: keyof typeof CONTENTS;
  size?: string;
  rate?: string;
  seconds?: number;
  /** Filters behind the content. */
  filters?: string;
  /** Frames from one keyframe to the next. Default: 60. */
  group?: number | "infinite";
  pixelFormat?: string;
};

/** Pictures that turn, move, zoom and change their brightness, with noise, so that no two are alike. */
const CONTENTS = {
  turning: "testsrc2=size=SIZE:rate=RATE,rotate=t/4,noise=alls=5:allf=t",
  moving: "testsrc2=size=SIZE:rate=RATE,scroll=h=0.004:v=0.002,noise=alls=4:allf=t",
  fading: "testsrc2=size=SIZE:rate=RATE,scroll=h=0.002,eq=brightness=0.3*sin(2*t):eval=frame,noise=alls=4:allf=t",
  zooming: "mandelbrot=size=SIZE:rate=RATE:end_scale=0.01,noise=alls=4:allf=t",
} as const;

const preset = (name: string): readonly string[] => ["-c:v", "libx264", "-preset", name];
const MEDIUM = preset("medium");
const FAST = preset("veryfast");
const params = (text: string): readonly string[] => ["-x264-params", text];

const RECIPES: readonly Recipe[] = [
  { name: "ultrafast.mp4", options: preset("ultrafast") },
  { name: "superfast.mkv", options: preset("superfast"), content: "moving" },
  { name: "veryfast.mp4", options: FAST, group: 250, seconds: 36 },
  { name: "faster.ts", options: preset("faster"), content: "fading" },
  { name: "fast.mov", options: preset("fast"), content: "zooming", group: 120 },
  { name: "medium.mp4", options: MEDIUM, group: 250, seconds: 36, content: "moving" },
  { name: "slow.mkv", options: preset("slow") },
  { name: "slower.mp4", options: preset("slower"), content: "moving", group: 120 },
  { name: "veryslow.mp4", options: preset("veryslow") },
  { name: "placebo-references.mkv", options: [...FAST, ...params("ref=16:bframes=5:b-adapt=0")], group: 120 },
  { name: "cavlc.mp4", options: [...MEDIUM, "-coder", "vlc"] },
  { name: "cavlc-temporal-slices.ts", options: [...MEDIUM, "-coder", "vlc", ...params("slices=3:direct=temporal")] },
  { name: "baseline.mp4", options: [...MEDIUM, "-profile:v", "baseline"], group: 120 },
  { name: "main.ts", options: [...MEDIUM, "-profile:v", "main"], content: "moving" },
  { name: "temporal-direct.mkv", options: [...MEDIUM, ...params("direct=temporal")], content: "zooming" },
  { name: "direct-none.mp4", options: [...MEDIUM, ...params("direct=none:weightp=0:weightb=0")] },
  { name: "weighted.mp4", options: [...MEDIUM, ...params("weightp=2:weightb=1")], content: "fading", group: 120 },
  { name: "slices.mp4", options: [...MEDIUM, ...params("slices=4")], content: "moving" },
  { name: "slice-sizes.mkv", options: [...FAST, ...params("slice-max-size=800")] },
  { name: "open-groups.mp4", options: [...MEDIUM, ...params("open-gop=1")] },
  { name: "intra-refresh.mkv", options: [...FAST, ...params("intra-refresh=1")] },
  { name: "p-frames.mp4", options: [...MEDIUM, "-bf", "0"], group: 250, seconds: 36 },
  { name: "p-frames-60.ts", options: [...FAST, "-bf", "0"], content: "moving" },
  { name: "eight-b-frames.mp4", options: [...MEDIUM, ...params("bframes=8:b-adapt=0:b-pyramid=none")] },
  { name: "eight-b-pyramid.mkv", options: [...MEDIUM, ...params("bframes=8:b-adapt=0")], group: 120 },
  { name: "no-pyramid.ts", options: [...MEDIUM, ...params("bframes=3:b-pyramid=none")] },
  { name: "strict-pyramid.mp4", options: [...MEDIUM, ...params("b-pyramid=strict")], content: "zooming" },
  { name: "high10.mkv", options: FAST, pixelFormat: "yuv420p10le" },
  { name: "high422.mp4", options: FAST, pixelFormat: "yuv422p", content: "moving" },
  { name: "high422-10.mov", options: MEDIUM, pixelFormat: "yuv422p10le" },
  { name: "high444.mp4", options: FAST, pixelFormat: "yuv444p" },
  { name: "full-range.mp4", options: MEDIUM, pixelFormat: "yuvj420p" },
  { name: "scaling-matrices.mp4", options: [...MEDIUM, ...params("cqm=jvt")] },
  { name: "hrd-delimiters.ts", options: [...MEDIUM, ...params("nal-hrd=vbr:vbv-maxrate=2000:vbv-bufsize=2000:aud=1")] },
  {
    name: "constant-rate-hrd.mp4",
    options: [...FAST, ...params("nal-hrd=cbr:bitrate=1500:vbv-maxrate=1500:vbv-bufsize=1500")],
  },
  { name: "constrained-intra.mp4", options: [...FAST, ...params("constrained-intra=1")] },
  { name: "no-deblocking.mkv", options: [...FAST, ...params("no-deblock=1")], content: "moving" },
  { name: "other-set-id.mp4", options: [...FAST, ...params("sps-id=5")] },
  { name: "odd-size.mp4", options: MEDIUM, size: "482x270" },
  { name: "odd-pixels.mkv", options: FAST, size: "161x91", pixelFormat: "yuv444p", seconds: 16 },
  { name: "infinite-group.mp4", options: FAST, group: "infinite" },
  { name: "scene-cuts.mp4", options: [...MEDIUM, "-sc_threshold", "40"], content: "fading", group: 250, seconds: 36 },
  { name: "film.mp4", options: [...preset("slow"), "-tune", "film"], content: "zooming", group: 120 },
  { name: "grain.mkv", options: [...MEDIUM, "-tune", "grain"], filters: "noise=alls=12:allf=t" },
  { name: "zero-latency.ts", options: [...FAST, "-tune", "zerolatency"] },
  { name: "fast-decode.mp4", options: [...MEDIUM, "-tune", "fastdecode"] },
  { name: "fine.mp4", options: [...MEDIUM, "-crf", "10"] },
  { name: "coarse.mp4", options: [...MEDIUM, "-crf", "36"], content: "moving" },
  { name: "mbaff.ts", options: [...FAST, "-flags", "+ildct+ilme"] },
  { name: "fake-interlaced.mp4", options: [...FAST, ...params("fake-interlaced=1")] },
  { name: "variable-rate.mp4", options: MEDIUM, filters: "select='gt(random(1),0.35)'", rate: "30", group: 90 },
  { name: "sixty-a-second.mkv", options: MEDIUM, rate: "60000/1001", seconds: 16, group: 120 },
  { name: "film-rate.mp4", options: MEDIUM, rate: "24000/1001", content: "zooming" },
  { name: "fragmented.mp4", options: [...FAST, "-movflags", "frag_keyframe+empty_moov"] },
  { name: "mpeg4.mp4", options: ["-c:v", "mpeg4", "-q:v", "4", "-bf", "2"], seconds: 12 },
  { name: "hevc.mp4", options: ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1"], seconds: 16 },
];

const X265 = "libx265";

function encoderOptions({ options, group = 60 }: Recipe): string[] {
  const frames = group === "infinite" ? 100_000 : group;
  if (options.includes(X265))
    return ["-x265-params", `keyint=${frames}:min-keyint=${frames}:scenecut=0:log-level=error`];
  const scenes = options.includes("-sc_threshold") ? [] : ["-sc_threshold", "0"];
  return ["-g", String(frames), ...(options.includes("mpeg4") ? [] : ["-keyint_min", "20", ...scenes])];
}

function argumentsOf(recipe: Recipe): string[] {
  const { options, content = "turning", size = "320x180", rate = "25", seconds = 20 } = recipe;
  const { filters, pixelFormat = "yuv420p" } = recipe;
  const picture = CONTENTS[content].replace("SIZE", size).replace("RATE", rate);
  const video = [picture, `trim=duration=${seconds}`, ...(filters === undefined ? [] : [filters])].join(",");
  const input = ["-f", "lavfi", "-i", video, "-f", "lavfi", "-i", `sine=duration=${seconds}`];
  const threads = options.includes("zerolatency") ? ["-threads", "2"] : ["-threads", "1"];
  const encoding = ["-pix_fmt", pixelFormat, ...options, ...encoderOptions(recipe), ...threads];
  return [...input, "-vsync", "passthrough", ...encoding, "-c:a", "aac", "-b:a", "64k"];
}

const CHANGING_SETS = "changing-sets.ts";

/** Two encodings one after the other, with other parameter sets under the same ids. */
async function makeChangingSets(folder: string): Promise<string> {
  const parts = [FAST, [...preset("medium"), "-coder", "vlc", "-bf", "0"]].map((options, at) => ({
    path: join(folder, `half-${at}.ts`),
    recipe: { name: "", options, seconds: 12, content: at === 0 ? "turning" : "moving" } as const,
  }));
  // Behind the other one: where two frames have one time, nothing says which is which.
  for (const [at, { path, recipe }] of parts.entries())
    await ffmpeg(...argumentsOf(recipe), "-output_ts_offset", String(at * 12.2), path);
  const path = join(folder, CHANGING_SETS);
  await ffmpeg("-i", `concat:${parts.map((part) => part.path).join("|")}`, "-c", "copy", path);
  return path;
}

/** Whether a name contains one of some texts, with commas between them. */
export const isNamed = (name: string, only: string): boolean => only.split(",").some((text) => name.includes(text));

/** How many `madeSources` makes. */
export const madeCount = (only = ""): number =>
  [...RECIPES.map(({ name }) => name), CHANGING_SETS].filter((name) => isNamed(name, only)).length;

/**
 * Makes videos of many kinds, one when it's asked for: those that `only` names. The caller
 * removes them.
 */
export async function* madeSources(folder: string, only = ""): AsyncGenerator<string> {
  for (const recipe of RECIPES.filter(({ name }) => isNamed(name, only))) {
    const path = join(folder, recipe.name);
    await ffmpeg(...argumentsOf(recipe), path);
    yield path;
  }
  if (isNamed(CHANGING_SETS, only)) yield await makeChangingSets(folder);
}
