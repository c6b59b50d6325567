import type { Stretch } from "../../poster/domain/stretches.ts";
import type { OpenedSegment, Picture, Pictures } from "../../poster/ports/pictures.ts";
import type { StoredSegment } from "../../poster/ports/segment-store.ts";
import type { Budget } from "../../split/domain/budget.ts";
import { RejectedVideo } from "../../video/errors.ts";
import { jpegSize } from "../formats/jpeg-size.ts";
import { isCausedByFile } from "../process/errors.ts";
import { setBudget } from "../process/limits.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding, type SourceAddress, untrustedInput } from "../process/sandbox.ts";
import { checkSource } from "./checked-source.ts";
import { limitFetches } from "./fetch-limit.ts";
import { serveSource } from "./source-server.ts";

/** Width of a poster. Pixels. */
const WIDTH = 640;

/** A higher picture is narrower: a video can be one pixel wide. */
const MAX_HEIGHT = 2_560;

/**
 * Frames of a stretch that are compared. They are in memory at the same time, at the poster's size.
 */
const MAX_COMPARED = 30;

/**
 * A frame is black in which so many percent of the pixels are darker than this luma, on a scale on
 * which 16 is black and 235 white: a logo or a timecode makes no picture.
 */
const BLACK_PERCENT = 98;
const DARK_LUMA = 32;

/** 2 is the best, 31 the worst. */
const JPEG_QUALITY = "4";

const QUIET = ["-hide_banner", "-nostdin", "-loglevel", "error"];

export type PicturesOptions = {
  /** ffmpeg's path. */
  binary: string;
  /** Working directory. */
  directory: string;
  /** Limits of all programs that this process starts. */
  budget: Budget;
};

/** Pixels are made square. ffmpeg has turned the frame upright before any filter. */
const SIZE = [
  `w='max(1,min(${WIDTH},round(${MAX_HEIGHT}*iw*sar/ih)))'`,
  `h='max(1,min(${MAX_HEIGHT},round(${WIDTH}*ih/(iw*sar))))'`,
].join(":");

/** https://ffmpeg.org/ffmpeg-filters.html#blackframe */
const WITHOUT_BLACK = [
  `blackframe=amount=0:threshold=${DARK_LUMA}`,
  `metadata=mode=select:key=lavfi.blackframe.pblack:value=${BLACK_PERCENT}:function=less`,
];

/**
 * Chooses the most typical frame by its colours. Frames are made small before they are compared,
 * since all of them are in memory. https://ffmpeg.org/ffmpeg-filters.html#thumbnail
 */
const filtersFor = ({ frames, mayBeBlack }: Stretch): string =>
  [
    `trim=end_frame=${frames}`,
    `select='not(mod(n,${Math.ceil(frames / MAX_COMPARED)}))'`,
    `scale=${SIZE}`,
    "setsar=1",
    ...(mayBeBlack ? [] : WITHOUT_BLACK),
    `thumbnail=n=${MAX_COMPARED}`,
    // Before the requested position times are negative, and an output drops such frames.
    "setpts=0",
    "scale=out_range=full",
    "format=yuvj420p",
  ].join(",");

type Reading = PicturesOptions & { address: SourceAddress; signal: AbortSignal };

async function take({ binary, directory, address, signal }: Reading, stretch: Stretch): Promise<Picture | undefined> {
  let jpeg: Buffer = Buffer.alloc(0);
  // At the keyframe before: decoding up to the very time could take as long as the segment.
  const position = ["-noaccurate_seek", "-ss", stretch.from.toFixed(3)];
  const options = [...QUIET, ...untrustedInput(), ...boundedDecoding, ...position];
  const one = ["-map", "0:V:0", "-vf", filtersFor(stretch), "-frames:v", "1", "-vsync", "passthrough"];
  await runFfmpeg(
    {
      ...{ binary, directory, source: address, signal, inputs: [{ from: address.url, options }] },
      pipes: { jpeg: [...one, "-c:v", "mjpeg", "-q:v", JPEG_QUALITY, "-f", "image2pipe"] },
    },
    async ({ outputs }) => {
      jpeg = Buffer.concat(await Array.fromAsync(outputs.jpeg));
    },
  );
  const size = jpegSize(jpeg);
  return size && { jpeg, size };
}

/** Whether the segment, and not the machine, is the cause: then it has no picture there. */
const isFinal = (error: unknown): boolean => isCausedByFile(error) || error instanceof RejectedVideo;

/** Pictures of a segment's frames, made by ffmpeg, which reads it through the loopback source. */
export function ffmpegPictures(options: PicturesOptions): Pictures {
  setBudget(options.budget);
  return { open: (segment) => openSegment(segment, options) };
}

async function openSegment({ bytes, read }: StoredSegment, options: PicturesOptions): Promise<OpenedSegment> {
  const source = checkSource(limitFetches({ size: bytes, read }));
  const server = await serveSource(source);
  return {
    picture: async (stretch, ending) => {
      const signal = AbortSignal.any([ending, source.failed]);
      try {
        return await take({ ...options, address: server.address, signal }, stretch);
      } catch (error) {
        if (isFinal(error)) return undefined;
        throw error;
      }
    },
    close: server.close,
  };
}
