/**
 * What one split may use, however much the upload needs. It is the limit for every reading
 * (ffprobe, ffmpeg, our own parsers). Why each figure: docs/decisions/budget.md
 */
export type Budget = {
  /** Of the function. */
  memoryMB: number;
  /** Memory of one run of ffmpeg or ffprobe. Bytes. */
  programBytes: number;
  /** Of all of them that run at the same time. */
  programsBytes: number;
  /** CPU seconds for ffprobe to describe a file. */
  probeSeconds: number;
  /** The same if it must read more of the file. */
  deepProbeSeconds: number;
  /** Maximum bytes that ffprobe may print about a file. */
  probeOutputBytes: number;
  /** Tracks of any kind in a file. */
  streams: number;
  /** Audio tracks that are kept. */
  audioTracks: number;
  /** Bytes of one packet. */
  packetBytes: number;
  /** Bytes of audio before the first video frame, of all tracks. */
  earlyAudioBytes: number;
  /** Bytes of the index of an MP4 that is read. */
  indexBytes: number;
  /** Bytes that may be fetched of an object: so many times its size, and a fixed number more. */
  fetchesOfSource: number;
  freeFetchBytes: number;
};

/**
 * Pixels of a frame: 8,192 times 8,192, more than any codec's highest level has. A few bytes in a
 * file can state any size.
 */
export const MAX_PIXELS = 2 ** 26;

/**
 * Frames of a video: four days at 24 a second, 38 hours at 60. Planning them takes half a second.
 */
export const MAX_FRAMES = 2 ** 23;

/**
 * Frames a second, counted only with so many frames that the rate is reliable: cameras have 1,000
 * at most, and each frame takes time, even if it has few bytes.
 */
export const MAX_FRAME_RATE = 2_000;
export const MIN_RATED_FRAMES = 100_000;

/**
 * One whole vCPU of Lambda, and the default of `video_split.memory_mb`. Also used if the memory
 * isn't known.
 */
export const DEFAULT_MEMORY_MB = 1_769;

const BYTES_PER_MB = 2 ** 20;

/** Of the memory. The rest is for Node: 130 MB after its start, and the packets that it holds. */
const PROGRAM_SHARE = 0.7;
const PROGRAMS_SHARE = 0.85;

/** Of the memory: a packet is in memory up to four times, in each of two concurrent readings. */
const PACKET_SHARE = 1 / 24;
const EARLY_AUDIO_SHARE = 1 / 27;

const INDEX_SHARE = 1 / 14;

/** Minimums for any memory: a camera's largest frame, and the index of ten hours. */
const MIN_PACKET_BYTES = 32 * BYTES_PER_MB;
const MIN_INDEX_BYTES = 64 * BYTES_PER_MB;

/** The budget of a function that has so much memory. */
export function budgetOf(memoryMB: number = DEFAULT_MEMORY_MB): Budget {
  const bytes = memoryMB * BYTES_PER_MB;
  return {
    memoryMB,
    programBytes: Math.floor(bytes * PROGRAM_SHARE),
    programsBytes: Math.floor(bytes * PROGRAMS_SHARE),
    probeSeconds: 4,
    deepProbeSeconds: 10,
    probeOutputBytes: 4 * BYTES_PER_MB,
    streams: 256,
    audioTracks: 48,
    packetBytes: Math.max(MIN_PACKET_BYTES, Math.floor(bytes * PACKET_SHARE)),
    earlyAudioBytes: Math.floor(bytes * EARLY_AUDIO_SHARE),
    indexBytes: Math.max(MIN_INDEX_BYTES, Math.floor(bytes * INDEX_SHARE)),
    fetchesOfSource: 16,
    freeFetchBytes: 256 * BYTES_PER_MB,
  };
}

/** Bytes as text for a message. */
export const megabytes = (bytes: number): string => `${Math.round(bytes / BYTES_PER_MB).toLocaleString("en")} MB`;
