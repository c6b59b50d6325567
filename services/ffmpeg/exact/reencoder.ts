import type { Stretch } from "../../split/domain/proof.ts";
import type { Assembly } from "../assembly/assembly.ts";
import type { Origin } from "../assembly/origin.ts";
import type { VideoReader } from "../assembly/read-source.ts";
import type { SpoolFolder } from "../assembly/spool.ts";
import { readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import type { SeekPoint } from "../source/seek-point.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { DecodedFrameTimes } from "./decoded-frame-times.ts";
import { EncodedSegmentWriter } from "./encoded-segment-writer.ts";
import type { Encoder } from "./encoders.ts";
import { firstPacketOutputs, masteringMetadataAdder, readFirstPacket } from "./mastering-metadata.ts";
import { ANY_ERRORS, encoderOutputs, readEncoded, SELECTED_EARLIER_SECONDS } from "./read-encoded.ts";

export type Reencoding = {
  /** ffmpeg's index of the video stream. */
  video: number;
  encoder: Encoder;
  /** Format of the source's video. */
  videoFormat: VideoFormat;
  /** Frame size in pixels, as displayed. */
  size: [number, number];
  /**
   * Whether ffmpeg applies the source's rotation. Otherwise frames stay as coded, and segments
   * state the rotation.
   */
  appliesRotation: boolean;
  /** Start of each segment: seconds from the first video frame. */
  starts: readonly number[];
  segmentSeconds: number;
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  /** Presentation time of the first video frame, on the source's clock. Seconds. */
  origin: number;
  /** Where reading begins. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  spools: SpoolFolder;
  /** Where frames of a segment weren't decoded. Times are seconds from the first video frame. */
  undecodedIn: (segment: number, decoded: readonly number[]) => Stretch[];
  /** How many frames the source has of a segment. */
  maxFramesIn: (segment: number) => number;
  signal: AbortSignal;
};

type ReencodedPipes = Readonly<Record<"decoded" | "encoded" | "firstLine" | "firstBytes", OutputPipe>>;

/** Times are rounded to microseconds. */
const SAME_SECONDS = 2e-6;

/**
 * When the first frame to encode is shown: seconds from the first video frame. What a seek reads
 * before it is decoded only.
 */
const beginOf = ({ seek, starts, from }: Reencoding): number => (seek === undefined ? 0 : starts[from]!);

/** More would be a command line of more than 64 KB. */
const MAX_LISTED_KEYFRAMES = 4_096;

/**
 * The value of -force_key_frames. When no frame follows a boundary for a while, the next ones make up
 * for it: extra keyframes do no harm.
 */
function keyframesOf(reencoding: Reencoding): string {
  const { seek, starts, from, origin, segmentSeconds } = reencoding;
  const times = starts.slice(from + 1).map((start) => (origin + start - SELECTED_EARLIER_SECONDS).toFixed(6));
  // With a seek point, times are the source's, and the first frame may be one that can't be decoded.
  if (seek !== undefined && times.length > 0 && times.length <= MAX_LISTED_KEYFRAMES) return times.join(",");
  // Times count from the first frame, stored in variable 0: a filter that shifts times would restart
  // when the frame size changes.
  const begin = beginOf(reencoding);
  const window = Math.floor((begin + SAME_SECONDS) / segmentSeconds);
  const isDue = `gte(t-ld(0)+${begin},(n_forced+${window})*${segmentSeconds}-${SAME_SECONDS.toFixed(6)})`;
  return `expr:if(isnan(prev_forced_t),1+0*st(0,t),${isDue})`;
}

/** Duration of a video's only frame. */
const LONE_FRAME_SECONDS = 0.04;

/**
 * The exact cut of a video whose packets aren't its frames: the source is decoded in one forward
 * reading and re-encoded by one encoder, with a keyframe at each boundary. The frames that the
 * decoder returns count as the source's. The bytes of a segment depend on where the encoder began;
 * where packets are frames, `RunReencoder` is used.
 */
export class Reencoder implements VideoReader {
  readonly decoding: readonly string[];
  readonly outputs: VideoReader["outputs"];
  readonly #reencoding: Reencoding;
  readonly #assembly: Assembly;

  constructor(reencoding: Reencoding, assembly: Assembly) {
    this.#reencoding = reencoding;
    this.#assembly = assembly;
    const { video, encoder, appliesRotation } = reencoding;
    const decoder = encoder.decoder === undefined ? [] : [`-c:${video}`, encoder.decoder];
    this.decoding = [...ANY_ERRORS, ...decoder, ...(appliesRotation ? [] : ["-noautorotate"])];
    const begin = beginOf(reencoding);
    this.outputs = {
      ...encoderOutputs({
        stream: `0:${video}`,
        encoder,
        clocks: { decoded: "-1", encoded: encoder.clock },
        selected: begin === 0 ? [] : [`select=gte(t\\,${reencoding.origin + begin - SELECTED_EARLIER_SECONDS})`],
        keyframes: keyframesOf(reencoding),
      }),
      ...firstPacketOutputs(video),
    };
  }

  async read({ decoded, encoded, firstLine, firstBytes }: ReencodedPipes, origin: Origin): Promise<void> {
    const { encoder, ...reencoding } = this.#reencoding;
    const { videoFormat, seek, signal } = reencoding;
    const times = new DecodedFrameTimes();
    const mastering = readFirstPacket(firstLine, firstBytes).then((packet) =>
      masteringMetadataAdder(videoFormat.codec, seek?.start ?? packet, encoder.codec),
    );
    // After a seek, times are on the source's clock.
    const known = seek === undefined ? undefined : reencoding.origin;
    const writer = new EncodedSegmentWriter({ ...reencoding, codec: encoder.codec }, this.#assembly);
    await Promise.all([
      readTimes(decoded, times, origin, known),
      mastering,
      readEncoded(encoded, {
        ...{ encoder, videoFormat, times, mastering, signal },
        loneFrameSeconds: LONE_FRAME_SECONDS,
        onHeader: (header) => writer.begin(header),
        onFrame: async (frame, next) => {
          await writer.add(frame, next);
          await this.#assembly.videoRead(frame.time);
        },
      }),
    ]);
    writer.end();
  }

  /** Nothing runs beside the reading. */
  async ended(): Promise<void> {}
}

/**
 * `known`: presentation time of the first video frame; undefined: it's the first one that is read.
 */
async function readTimes(
  lines: OutputPipe,
  times: DecodedFrameTimes,
  origin: Origin,
  known: number | undefined,
): Promise<void> {
  let first = known;
  // Audio waits for it, and is read before the first frame that is encoded.
  if (known !== undefined) origin.set(known);
  for await (const { clock, line } of readPacketLines(lines)) {
    const time = ((line.pts ?? line.dts) * clock.num) / clock.den;
    first ??= time;
    origin.set(first);
    times.add(time - first);
  }
  times.end();
}
