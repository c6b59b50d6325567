import { boxesIn, findBox } from "./boxes.ts";
import { setLastDuration } from "./last-duration.ts";

/** What is changed in the `moov` box of a finished file. */
export type MoviePatch = {
  /** Milliseconds since 1970; undefined: unchanged. */
  created: number | undefined;
  /**
   * Display matrix of the video track: the nine integers of tkhd, row by row; undefined: unchanged.
   */
  displayMatrix: readonly number[] | undefined;
  /** Duration of the last frame in seconds, for a muxer that wrote none. */
  lastDuration?: number;
};

/** Times are seconds since 1904. ISO/IEC 14496-12, section 8.2.2. */
const EPOCH_SECONDS = 2_082_844_800;
const MAX_SHORT_TIME = 2 ** 32 - 1;

const MATRIX_BYTES = 36;

/** Sets creation and modification time of mvhd, tkhd or mdhd. */
function setCreationTime(header: DataView | undefined, seconds: number): void {
  if (header === undefined) return;
  if (header.getUint8(0) === 1) {
    header.setBigUint64(4, BigInt(seconds));
    header.setBigUint64(12, BigInt(seconds));
  } else if (seconds <= MAX_SHORT_TIME) {
    header.setUint32(4, seconds);
    header.setUint32(8, seconds);
  }
}

function setDisplayMatrix(trackHeader: DataView, matrix: readonly number[]): void {
  const at = trackHeader.getUint8(0) === 1 ? 52 : 40;
  if (trackHeader.byteLength < at + MATRIX_BYTES) return;
  for (const [index, value] of matrix.entries()) trackHeader.setInt32(at + index * 4, value);
}

const isVideoTrack = (track: DataView): boolean => {
  const handler = findBox(track, "mdia", "hdlr");
  return handler !== undefined && handler.getUint32(8) === VIDEO_HANDLER;
};

/** "vide" */
const VIDEO_HANDLER = 0x76696465;

/** Changes the body of a moov box in place. ISO/IEC 14496-12, sections 8.2.2, 8.3.2 and 8.4.2. */
export function patchMovie(movie: DataView, { created, displayMatrix, lastDuration }: MoviePatch): void {
  const seconds = created === undefined ? undefined : Math.round(created / 1_000) + EPOCH_SECONDS;
  const tracks = [...boxesIn(movie)].filter(({ type }) => type === "trak").map(({ body }) => body);
  if (seconds !== undefined && seconds > 0) {
    setCreationTime(findBox(movie, "mvhd"), seconds);
    for (const track of tracks) {
      setCreationTime(findBox(track, "tkhd"), seconds);
      setCreationTime(findBox(track, "mdia", "mdhd"), seconds);
    }
  }
  const video = tracks.find(isVideoTrack);
  if (video !== undefined && lastDuration !== undefined) setLastDuration(movie, video, lastDuration);
  const header = video && findBox(video, "tkhd");
  if (header !== undefined && displayMatrix !== undefined) setDisplayMatrix(header, displayMatrix);
}
