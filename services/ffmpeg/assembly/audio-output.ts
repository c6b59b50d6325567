import type { Container } from "../../split/ports/media-tools.ts";
import type { AudioTrack } from "../source/describe.ts";

/** How an audio track is written into the segments. */
export type AudioOutput = {
  /** ffmpeg's output options when the source is read: they make the packets that are muxed. */
  readOptions: readonly string[];
  /** ffmpeg's encoder in the mux; undefined: copied. */
  muxEncoder: string | undefined;
  /** Codec in the segments, as ffprobe names it. */
  codec: string;
  /** Whether the samples differ from the source's. PCM in another byte order isn't encoded. */
  isEncoded: boolean;
};

/**
 * Codecs that ffmpeg copies into Matroska, some of them by their format tag in WAVE files. Windows
 * Media Audio is left out: a decoder returns nothing for its first packet, so each segment would
 * begin with a gap.
 */
const COPIED_INTO_MATROSKA =
  /^(aac|aac_latm|amr_[nw]b|mp3|mp2|ac3|eac3|dts|opus|vorbis|flac|alac|truehd|adpcm_ms|adpcm_ima_wav|pcm_(alaw|mulaw|u8|s(16|24|32)(le|be)|f(32|64)le))$/;

/** PCM of discs, in blocks with a header. Transport streams hold it, Matroska doesn't. */
const DISC_PCM = ["pcm_bluray", "pcm_dvd"];

export const isPcm = (codec: string): boolean => codec.startsWith("pcm_");

/** Bits per second and channel of encoded audio. */
const AAC_BITS_PER_CHANNEL = 96_000;

/**
 * Options for a codec that no container holds together with the video. Gaps become silence.
 * Temporal noise shaping is off: in it, ffmpeg before 7.0.3 overflows its stack (CVE-2025-1594).
 */
const encoded = ({ channels }: AudioTrack): string[] => [
  ...["-c", "aac", "-aac_tns", "0", "-b:a", String(AAC_BITS_PER_CHANNEL * Math.max(1, Math.min(channels, 6)))],
  ...["-af", "aresample=async=1"],
];

const pcmOf = ({ isWide }: AudioTrack): string => (isWide ? "pcm_s24le" : "pcm_s16le");

/** How to write a track into a container. It's copied when the container holds its codec. */
export function audioOutputFor(track: AudioTrack, { muxer }: Container): AudioOutput {
  const { codec } = track;
  if (DISC_PCM.includes(codec)) {
    const isDisc = muxer === "mpegts";
    const readOptions = ["-c", pcmOf(track)];
    if (isDisc) return { readOptions, muxEncoder: "pcm_bluray", codec: "pcm_bluray", isEncoded: false };
    return { readOptions, muxEncoder: undefined, codec: pcmOf(track), isEncoded: false };
  }
  if (!COPIED_INTO_MATROSKA.test(codec))
    return { readOptions: encoded(track), muxEncoder: undefined, codec: "aac", isEncoded: true };
  // Transport streams have an ADTS header in each packet; MP4 and Matroska store it once.
  const readOptions = codec === "aac" ? ["-c", "copy", "-bsf:a", "aac_adtstoasc"] : ["-c", "copy"];
  return { readOptions, muxEncoder: undefined, codec, isEncoded: false };
}
