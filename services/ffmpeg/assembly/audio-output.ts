import type { Container } from "../../split/ports/media-tools.ts";
import type { AudioTrack } from "../source/describe.ts";

/** How a track of sound gets into the segments. */
export type AudioOutput = {
  /** ffmpeg's options of the reading: what the packets are that come from it. */
  readOptions: readonly string[];
  /** ffmpeg's encoder of the mux. Undefined: copied. */
  muxEncoder: string | undefined;
  /** What the codec is in the segments, as ffprobe names it. */
  codec: string;
  /** Whether samples differ from the source's. PCM in another order of bytes doesn't. */
  isEncoded: boolean;
};

/**
 * Codecs that ffmpeg writes into Matroska as they are, some of them by their number in WAVE files.
 * Not Windows Media Audio: of the first packet a decoder gives nothing, so each segment would begin
 * with a hole.
 */
const HELD_BY_MATROSKA =
  /^(aac|aac_latm|amr_[nw]b|mp3|mp2|ac3|eac3|dts|opus|vorbis|flac|alac|truehd|adpcm_ms|adpcm_ima_wav|pcm_(alaw|mulaw|u8|s(16|24|32)(le|be)|f(32|64)le))$/;

/** PCM of discs, in blocks with a header: transport streams hold it, Matroska doesn't. */
const DISC_PCM = ["pcm_bluray", "pcm_dvd"];

export const isPcm = (codec: string): boolean => codec.startsWith("pcm_");

/** Bits a second for each channel of what is encoded. */
const AAC_BITS = 96_000;

/**
 * As `read`, of a codec that no container with the picture holds. Holes become silence. Without
 * the noise shaping in which ffmpeg before 7.0.3 overflows its stack (CVE-2025-1594).
 */
const encoded = ({ channels }: AudioTrack): string[] => [
  ...["-c", "aac", "-aac_tns", "0", "-b:a", String(AAC_BITS * Math.max(1, Math.min(channels, 6)))],
  ...["-af", "aresample=async=1"],
];

const pcmOf = ({ isWide }: AudioTrack): string => (isWide ? "pcm_s24le" : "pcm_s16le");

/** What becomes of a track. What can be copied is copied. */
export function audioOutputFor(track: AudioTrack, { muxer }: Container): AudioOutput {
  const { codec } = track;
  if (DISC_PCM.includes(codec)) {
    const isDisc = muxer === "mpegts";
    const readOptions = ["-c", pcmOf(track)];
    if (isDisc) return { readOptions, muxEncoder: "pcm_bluray", codec: "pcm_bluray", isEncoded: false };
    return { readOptions, muxEncoder: undefined, codec: pcmOf(track), isEncoded: false };
  }
  if (!HELD_BY_MATROSKA.test(codec))
    return { readOptions: encoded(track), muxEncoder: undefined, codec: "aac", isEncoded: true };
  // Transport streams carry a header on each packet, which MP4 and Matroska keep once.
  const readOptions = codec === "aac" ? ["-c", "copy", "-bsf:a", "aac_adtstoasc"] : ["-c", "copy"];
  return { readOptions, muxEncoder: undefined, codec, isEncoded: false };
}
