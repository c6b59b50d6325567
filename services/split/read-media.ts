import { isCutFailure, isMediaFault, limitExceeded, RejectedVideo } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import type { SplitDependencies } from "./dependencies.ts";
import { MAX_FRAMES, MAX_PIXELS } from "./domain/budget.ts";
import { omittedSeconds } from "./domain/early-audio.ts";
import { PacketIndex } from "./domain/packet-index.ts";
import type { SplitPlan } from "./plan-cut.ts";
import type { DescribedMedia, MediaDescription, OpenMedia } from "./ports/media-tools.ts";
import type { ScannedSource } from "./ports/saved-indexes.ts";

/**
 * If the header's frame rate and the counted one differ by more than this share, the counted one is
 * used.
 */
const FPS_TOLERANCE = 0.2;

/**
 * `omitted_tracks` names at most this many, so that a file with thousands can't outgrow an event.
 */
const MAX_OMITTED = 100;

/** A source whose packets were read within this time is read again by the next attempt. */
const MAX_UNSAVED_SCAN_SECONDS = 10;

/** A description with a video track of a known codec. */
export type VideoDescription = MediaDescription & {
  video: NonNullable<MediaDescription["video"]> & { codec: string };
};

/** A source that was described, and its packets. */
export type ReadMedia = {
  media: DescribedMedia;
  description: VideoDescription;
  scanned: ScannedSource;
  /** Whether this invocation read the packets and saved the index. */
  isSaved: boolean;
  /** Saves the index for later invocations, unless an invocation has saved it. */
  save: () => Promise<void>;
};

/**
 * Describes the source and reads its packets, or the index of them that an earlier attempt saved.
 * Throws `RejectedVideo` if the source isn't a readable video, and the signal's reason.
 */
export async function readMedia(
  opened: OpenMedia,
  videoId: number,
  isRetry: boolean,
  { indexes, now, log }: Pick<SplitDependencies, "indexes" | "now" | "log">,
  signal: AbortSignal,
): Promise<ReadMedia> {
  const media = await read("NotMedia", () => opened.describe(signal));
  const description = assertVideo(media.description);
  const known = isRetry ? await indexes.load(videoId, signal) : undefined;
  if (known !== undefined) return { media, description, scanned: known, isSaved: false, save: async () => {} };
  const begun = now().getTime();
  const scanned = await scanPackets(media, signal);
  const seconds = (now().getTime() - begun) / 1_000;
  const saveIndex = async (): Promise<boolean> => {
    const isSaved = await indexes.save(videoId, scanned, signal);
    log.info(isSaved ? "Saved the packet index" : "The packet index can't be saved", { seconds });
    return isSaved;
  };
  const isExpensive = seconds > MAX_UNSAVED_SCAN_SECONDS;
  const isSaved = isExpensive && (await saveIndex());
  const save = async () => void (isExpensive || (await saveIndex()));
  return { media, description, scanned, isSaved, save };
}

async function scanPackets(media: DescribedMedia, signal: AbortSignal): Promise<ScannedSource> {
  const index = new PacketIndex();
  const { truncated, losses = [] } = await read("UnreadableMedia", () =>
    media.scan(signal, (packet) => {
      if (index.count === MAX_FRAMES)
        throw limitExceeded(`The video has more than ${MAX_FRAMES} frames. Upload it in parts.`);
      index.add(packet);
    }),
  );
  losses.forEach(index.addLoss);
  return { index, truncated };
}

/**
 * Runs a reading of the source. If all bytes were fetched and ffmpeg can't read them, the video is
 * rejected.
 */
async function read<T>(reason: "NotMedia" | "UnreadableMedia", reading: () => Promise<T>): Promise<T> {
  try {
    return await reading();
  } catch (error) {
    if (isCutFailure(error)) {
      const what = `The video can't be read: ${error.message}`;
      throw new RejectedVideo(error.reason, `${what}. Export it again, as one whole file.`, { cause: error });
    }
    if (!isMediaFault(error)) throw error;
    const what =
      reason === "NotMedia" ? "This isn't a media file in an accepted container" : "The video's packets can't be read";
    throw new RejectedVideo(
      reason,
      `${what} (ffmpeg: ${error.stderr || "no message"}). Check that the upload is complete.`,
      { cause: error },
    );
  }
}

function assertVideo(description: MediaDescription): VideoDescription {
  const { video } = description;
  if (video === undefined) {
    throw new RejectedVideo("NoVideoStream", "The file has no video track. Upload a video.");
  }
  const { codec, tag, size } = video;
  if (codec === undefined) {
    throw new RejectedVideo(
      "UnknownCodec",
      `The video's codec (${tag}) isn't one that this service reads. Convert the video to H.264, for one, and upload it again.`,
    );
  }
  if (size[0] <= 0 || size[1] <= 0) {
    throw new RejectedVideo("UnreadableMedia", "The video's frame size is unknown: no frame can be decoded.");
  }
  if (size[0] * size[1] > MAX_PIXELS) {
    throw new RejectedVideo(
      "UnreadableMedia",
      `The video's header says that its frames have ${size[0]} x ${size[1]} pixels, more than can be decoded. Scale it down.`,
    );
  }
  return { ...description, video: { ...video, codec } };
}

/** The video's properties for events. */
export function propertiesOf(
  { video, audio }: VideoDescription,
  { frames, duration }: SplitPlan,
): eventData.VideoProperties {
  const counted = frames / duration;
  const header = video.averageFps;
  const isWrong = header === undefined || Math.abs(header - counted) > FPS_TOLERANCE * counted;
  return {
    size: video.size,
    fps: eventData.roundedFps(isWrong ? counted : header),
    audio: audio.length > 0,
    video_codec: video.codec,
    audio_codecs: audio.flatMap(({ codec }) => codec ?? []),
  };
}

/** What the segments leave out. */
export const omittedOf = ({ others, audio }: MediaDescription, { origin }: SplitPlan): eventData.Omitted => ({
  tracks: others.slice(0, MAX_OMITTED).map(({ index, type, codec, tag }) => ({ index, type, codec: codec ?? tag })),
  audioSeconds: omittedSeconds(
    origin,
    audio.map(({ start }) => start),
  ),
});
