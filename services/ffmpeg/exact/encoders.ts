import { FfmpegError } from "../process/errors.ts";
import { eachLine } from "../process/lines.ts";
import { runProgram } from "../process/program.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { colourOptions } from "./colours.ts";
import {
  depthOf,
  type EncoderSettings,
  MAX_FRAMES,
  optionIfKnown,
  SETTINGS_BY_CODEC,
  x264,
} from "./encoder-settings.ts";

export type Encoder = {
  /** Codec of its output, as ffprobe names it. */
  codec: string;
  options: string[];
  /** ffmpeg filters that its input needs. */
  filters: string[];
  /** Time base of its input, as ffmpeg's -enc_time_base. "-1": the source's. */
  clock: string;
  /** A container that its output can be streamed in. */
  stream: "matroska" | "ivf";
  /** ffmpeg's decoder of the source, where the default one ignores transparency. */
  decoder: string | undefined;
  /** Memory of decoding and encoding, and of each thread in addition; both in frames. */
  frames: number;
  threadFrames: number;
};

/** Maximum frames between two keyframes: libx264's default. */
const MAX_GOP_FRAMES = "250";

/** With 4:2:0 chroma, width and height must be even. */
const NEEDS_EVEN_SIZES = ["libx264", "libx265"];

/** The source's pixel format and colours, as options of the encoder. */
const formatOptions = (format: VideoFormat): string[] => [
  ...optionIfKnown("-pix_fmt", format.pixelFormat),
  ...optionIfKnown("-color_range", format.colorRange),
  // x264 encodes RGB sources as YUV.
  ...colourOptions(
    /^yuv/.test(format.pixelFormat ?? "") && format.colorSpace === "gbr"
      ? { ...format, colorSpace: undefined }
      : format,
  ),
  ...optionIfKnown("-chroma_sample_location", format.chromaLocation),
];

/** The encoders of each ffmpeg binary, by its path. */
const listings = new Map<string, ReadonlySet<string>>();

/**
 * The video encoders of this ffmpeg binary. A failed listing isn't cached, and isn't the file's
 * fault.
 */
async function availableEncoders(binary: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const known = listings.get(binary);
  if (known !== undefined) return known;
  const encoders = new Set<string>();
  const run = { program: "ffmpeg", binary, args: ["-hide_banner", "-encoders"], stdout: true, signal } as const;
  try {
    await runProgram(run, async ({ outputs: [stdout] }) =>
      eachLine(stdout!, (line) => {
        // An X in the fourth column marks an experimental encoder.
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

/** Chroma subsampling that x264 lacks, and the nearest that keeps all samples. */
const MORE_CHROMA: Readonly<Record<string, string>> = { 410: "420", 411: "422", 440: "444" };

/** x264's pixel format that keeps the most: chroma, and 10 bits when there are more than 8. */
function x264PixelFormat(pixelFormat = "yuv420p"): string {
  const [, ratio] = CHROMA.exec(pixelFormat) ?? [];
  const isGrey = pixelFormat.startsWith("gray") || pixelFormat.startsWith("mono");
  const chroma =
    ratio === undefined ? (isGrey || /^nv|^p0/.test(pixelFormat) ? "420" : "444") : (MORE_CHROMA[ratio] ?? ratio);
  if (depthOf(pixelFormat) > 8 || /1[0-6](?:le|be)$/.test(pixelFormat)) return `yuv${chroma}p10le`;
  return `yuv${pixelFormat.startsWith("yuvj") ? "j" : ""}${chroma}p`;
}

/** Whether frames have transparency: WebM declares it per track, other formats by pixel format. */
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

/** As ffmpeg's -enc_time_base: the clock of its input. */
export const SOURCE_CLOCK = "-1";

/**
 * The encoders that this ffmpeg has for a video format, best first: its own codec, then H.264.
 * Empty when it has none. Throws the signal's reason when aborted.
 */
export async function encodersFor(binary: string, format: VideoFormat, signal: AbortSignal): Promise<Encoder[]> {
  const available = await availableEncoders(binary, signal);
  const recipes = [...(SETTINGS_BY_CODEC[format.codec ?? ""] ?? []).filter((recipe) => recipe !== x264), x264];
  return recipes.filter(({ encoder }) => available.has(encoder)).flatMap((recipe) => encoderOf(recipe, format) ?? []);
}
