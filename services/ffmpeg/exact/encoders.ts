import { FfmpegError } from "../process/errors.ts";
import { eachLine } from "../process/lines.ts";
import { runProgram } from "../process/program.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { colourOptions } from "./colours.ts";
import {
  depthOf,
  ENCODERS_BY_CODEC,
  type EncoderSettings,
  MAX_FRAMES,
  optionIfKnown,
  x264,
} from "./encoder-settings.ts";

export type Encoder = {
  /** Codec of what it makes, as ffprobe names it. */
  codec: string;
  options: string[];
  /** Filters that its pictures need. */
  filters: string[];
  /**
   * The clock of the times that it's given, as ffmpeg's -enc_time_base: "-1" is the source's own.
   */
  clock: string;
  /** What it writes without going back. */
  stream: "matroska" | "ivf";
  /** ffmpeg's decoder for the source's pictures, where the usual one passes over transparency. */
  decoder: string | undefined;
  /** Frames' worth of memory that decoding and encoding take, and that each thread takes of its own. */
  frames: number;
  threadFrames: number;
};

/** Frames between two keyframes, as libx264 has it by default. */
const MAX_GOP_FRAMES = "250";

/** Four luma samples share a chroma sample: sizes must be even. */
const NEEDS_EVEN_SIZES = ["libx264", "libx265"];

/** The pictures' own format, as options of the encoder. */
const formatOptions = (format: VideoFormat): string[] => [
  ...optionIfKnown("-pix_fmt", format.pixelFormat),
  ...optionIfKnown("-color_range", format.colorRange),
  // x264's fallback shows RGB as luma and chroma.
  ...colourOptions(
    /^yuv/.test(format.pixelFormat ?? "") && format.colorSpace === "gbr"
      ? { ...format, colorSpace: undefined }
      : format,
  ),
  ...optionIfKnown("-chroma_sample_location", format.chromaLocation),
];

/** What each ffmpeg was built with, once it has listed it. */
const listings = new Map<string, ReadonlySet<string>>();

/**
 * The encoders that this ffmpeg was built with. A listing that fails says nothing about the file,
 * and isn't kept.
 */
async function availableEncoders(binary: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const known = listings.get(binary);
  if (known !== undefined) return known;
  const encoders = new Set<string>();
  const run = { program: "ffmpeg", binary, args: ["-hide_banner", "-encoders"], stdout: true, signal } as const;
  try {
    await runProgram(run, async ({ outputs: [stdout] }) =>
      eachLine(stdout!, (line) => {
        // The fourth column has an X where an encoder is experimental.
        const [, name] = /^ V\S\S[^X]\S\S (\S+)/.exec(line) ?? [];
        if (name !== undefined) encoders.add(name);
      }),
    );
  } catch (error) {
    if (!(error instanceof FfmpegError)) throw error;
    throw new Error(`${binary} can't list its encoders: ${error.message}`, { cause: error });
  }
  listings.set(binary, encoders);
  return encoders;
}

const CHROMA = /^yuvj?(4\d\d)p/;
const ALPHA = /^(?:yuva|rgba|argb|abgr|bgra|gbrap|ya)/;

/** Other ratios than x264 knows, and the next that loses nothing. */
const MORE_CHROMA: Readonly<Record<string, string>> = { 410: "420", 411: "422", 440: "444" };

/** x264's own pixel format that keeps as much as it can: chroma, and 10 bits where there are more than 8. */
function x264PixelFormat(pixelFormat = "yuv420p"): string {
  const [, ratio] = CHROMA.exec(pixelFormat) ?? [];
  const isGrey = pixelFormat.startsWith("gray") || pixelFormat.startsWith("mono");
  const chroma =
    ratio === undefined ? (isGrey || /^nv|^p0/.test(pixelFormat) ? "420" : "444") : (MORE_CHROMA[ratio] ?? ratio);
  if (depthOf(pixelFormat) > 8 || /1[0-6](?:le|be)$/.test(pixelFormat)) return `yuv${chroma}p10le`;
  return `yuv${pixelFormat.startsWith("yuvj") ? "j" : ""}${chroma}p`;
}

/** Whether pictures have transparency: WebM says it of a track, others by their pixel format. */
export const hasAlpha = ({ alphaMode, pixelFormat }: VideoFormat): boolean =>
  alphaMode || ALPHA.test(pixelFormat ?? "");

function encoderOf(recipe: EncoderSettings, format: VideoFormat): Encoder | undefined {
  const isSameCodec = recipe.codec === format.codec;
  if (hasAlpha(format) && !(isSameCodec && recipe.keepsAlpha)) return undefined;
  const own = format.alphaMode ? "yuva420p" : format.pixelFormat;
  const pixelFormat = isSameCodec ? own : x264PixelFormat(own);
  const kept = { ...format, pixelFormat, profile: isSameCodec ? format.profile : undefined };
  const clock = recipe.clock === undefined ? SOURCE_CLOCK : recipe.clock(format);
  if (clock === undefined) return undefined;
  return {
    codec: recipe.codec,
    options: [
      ...["-c:v", recipe.encoder, "-bf", "0", "-g", MAX_GOP_FRAMES],
      ...recipe.options(kept),
      ...formatOptions(kept),
    ],
    filters: NEEDS_EVEN_SIZES.includes(recipe.encoder) ? ["pad=ceil(iw/2)*2:ceil(ih/2)*2"] : [],
    clock,
    stream: recipe.stream ?? "matroska",
    decoder: format.alphaMode ? recipe.alphaDecoder : undefined,
    frames: recipe.frames ?? MAX_FRAMES,
    threadFrames: recipe.threadFrames ?? 0,
  };
}

const SOURCE_CLOCK = "-1";

/**
 * How pictures of this format can be encoded again, best first: in their own codec where this
 * ffmpeg can, then in H.264. Empty where it has neither. Throws the signal's reason when aborted.
 */
export async function encodersFor(binary: string, format: VideoFormat, signal: AbortSignal): Promise<Encoder[]> {
  const available = await availableEncoders(binary, signal);
  const recipes = [...(ENCODERS_BY_CODEC[format.codec ?? ""] ?? []).filter((recipe) => recipe !== x264), x264];
  return recipes.filter(({ encoder }) => available.has(encoder)).flatMap((recipe) => encoderOf(recipe, format) ?? []);
}
