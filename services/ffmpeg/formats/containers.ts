import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { Container, MediaDescription } from "../../split/ports/media-tools.ts";

const container = (muxer: string, extension: string, contentType: string): Container => ({
  muxer,
  extension,
  contentType,
});

/** Muxer and content type by file extension. */
const BY_EXTENSION: Readonly<Record<string, Container>> = {
  mp4: container("mp4", "mp4", "video/mp4"),
  m4v: container("mp4", "m4v", "video/x-m4v"),
  f4v: container("mp4", "f4v", "video/mp4"),
  mov: container("mov", "mov", "video/quicktime"),
  "3gp": container("3gp", "3gp", "video/3gpp"),
  "3g2": container("3g2", "3g2", "video/3gpp2"),
  mkv: container("matroska", "mkv", "video/x-matroska"),
  webm: container("webm", "webm", "video/webm"),
  ts: container("mpegts", "ts", "video/mp2t"),
  mts: container("mpegts", "mts", "video/mp2t"),
  m2ts: container("mpegts", "m2ts", "video/mp2t"),
  avi: container("avi", "avi", "video/x-msvideo"),
  flv: container("flv", "flv", "video/x-flv"),
  ogv: container("ogg", "ogv", "video/ogg"),
};

const named = (extension: string): Container =>
  BY_EXTENSION[extension] ?? { muxer: "matroska", extension: "mkv", contentType: "video/x-matroska" };

/**
 * Extensions of the segments of a source, by its demuxer; the first one is the default. A format
 * that ffmpeg can't write well has the nearest alternative.
 */
const FAMILIES: readonly { demuxer: string; extensions: readonly string[] }[] = [
  { demuxer: "mov", extensions: ["mp4", "m4v", "f4v", "mov", "3gp", "3g2"] },
  { demuxer: "matroska", extensions: ["mkv", "webm"] },
  { demuxer: "mpegts", extensions: ["ts", "mts", "m2ts"] },
  { demuxer: "avi", extensions: ["avi"] },
  { demuxer: "flv", extensions: ["flv"] },
  { demuxer: "ogg", extensions: ["ogv"] },
  // A program stream that is cut loses its clock reference; a transport stream holds the same
  // codecs.
  { demuxer: "mpeg", extensions: ["ts"] },
  // ffmpeg's asf muxer pads every packet; Matroska holds all codecs of Windows Media.
  { demuxer: "asf", extensions: ["mkv"] },
];

/** They store the number of a frame instead of its time, so all frames have one duration. */
const COUNTS_FRAMES = ["ogv"];

const WEBM_CODECS = ["vp8", "vp9", "av1", "vorbis", "opus"];

const fitsWebm = ({ video, audio }: MediaDescription): boolean =>
  [video, ...audio].every((track) => track?.codec !== undefined && WEBM_CODECS.includes(track.codec));

/**
 * The containers to try for a source's segments, best first: the source's own, then those that hold
 * more codecs. The content decides, not the file name: a Matroska file called .mp4 gets Matroska
 * segments. Fallbacks are needed because ffmpeg can't write every combination of codecs that it
 * reads (AMR in 3GP with several frames per packet, PCM in MP4). `index`: of the video's packets.
 */
export function containersFor(
  source: MediaDescription,
  extension: string,
  index: Pick<PacketIndex, "isUneven">,
): Container[] {
  const formats = source.format.split(",");
  const family = FAMILIES.find(({ demuxer }) => formats.includes(demuxer));
  const own = family?.extensions.includes(extension) ? extension : (family?.extensions[0] ?? "mkv");
  const isOwn = own === "webm" ? fitsWebm(source) : !(COUNTS_FRAMES.includes(own) && index.isUneven);
  const choices = isOwn ? [own] : ["mkv"];
  if (family?.demuxer === "mov") choices.push("mp4", "mov");
  return [...new Set([...choices, "mkv"])].map(named);
}

const ISO: readonly string[] = ["mp4", "mov", "3gp", "3g2"];
const MATROSKA: readonly string[] = ["matroska", "webm"];

/** Whether ffmpeg's muxer writes an ISO base media file, which has an index (`moov`). */
export const isIso = ({ muxer }: Pick<Container, "muxer">): boolean => ISO.includes(muxer);

export const isMatroska = ({ muxer }: Pick<Container, "muxer">): boolean => MATROSKA.includes(muxer);
