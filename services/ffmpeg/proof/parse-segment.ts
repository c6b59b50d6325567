import { type FileHandle, open } from "node:fs/promises";
import {
  CustomSource,
  type CustomSourceOptions,
  type EncodedPacket,
  EncodedPacketSink,
  Input,
  type InputAudioTrack,
  type InputTrack,
  Logging,
  LogLevel,
  MATROSKA,
  MP4,
  type PacketRetrievalOptions,
  PCM_AUDIO_CODECS,
  QTFF,
  WEBM,
} from "mediabunny";
import type { Container } from "../../split/ports/media-tools.ts";
import { isMatroska } from "../formats/containers.ts";
import { unlessAborted } from "../process/condition.ts";
import { CutFailedError } from "../process/errors.ts";
import { readFully } from "../process/read-fully.ts";
import { FileWindows } from "./file-windows.ts";
import type { PacketHandlers, SegmentFile } from "./segment-file.ts";

// It logs warnings about codecs that it can't decode; here packets are only read.
Logging.level = LogLevel.Silent;

type FileAccess = Pick<CustomSourceOptions, "read" | "maxCacheSize" | "prefetchProfile">;

/** Of the parser, in bytes. It also holds an index, or one cluster of Matroska. */
const MAX_CACHE_BYTES = 2 * 1024 * 1024;

/**
 * Packets of MP4 are read one by one: without a cache the parser copies each at once, and the memory
 * it's read into is used again. A Matroska file is read in clusters, some of them for several
 * tracks: there the parser's cache is needed.
 */
function accessTo(file: FileHandle, size: number, container: Container): FileAccess {
  if (!isMatroska(container)) {
    const windows = new FileWindows(file, size);
    return { read: (start, end) => windows.read(start, end), maxCacheSize: 0, prefetchProfile: "none" };
  }
  const read = (start: number, end: number) => readFully(file, start, end - start);
  return { read, maxCacheSize: MAX_CACHE_BYTES, prefetchProfile: "fileSystem" };
}

/**
 * Reads an MP4, MOV, 3GP, Matroska or WebM segment with mediabunny, whatever its codecs. Holds one
 * packet per track at a time. Closes the file however the reading ends.
 */
export async function parseSegment(segment: SegmentFile, handlers: PacketHandlers): Promise<void> {
  const { path, signal } = segment;
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const source = new ParserSource(file, size, segment.container);
    try {
      await unlessAborted(readTracks(source, segment, handlers), signal);
    } finally {
      source.input.dispose();
    }
  } finally {
    await file.close();
  }
}

/** The parser's access to a file. Distinguishes errors of reading the file from invalid content. */
class ParserSource {
  readonly input: Input;
  #failure: { reason: unknown } | undefined;

  constructor(file: FileHandle, size: number, container: Container) {
    const access = accessTo(file, size, container);
    const source = new CustomSource({
      ...access,
      getSize: () => size,
      read: async (start, end) => {
        try {
          return await access.read(start, end);
        } catch (reason) {
          this.#failure ??= { reason };
          throw reason;
        }
      },
      // Errors of reading ahead are thrown again by the read itself.
      handleUnhandledError: () => {},
    });
    this.input = new Input({ source, formats: [MP4, QTFF, MATROSKA, WEBM] });
  }

  /**
   * The result of a parser call. Throws the file system's error, or `CutFailedError` (ProofFailed).
   */
  async resultOf<T>(parsing: Promise<T>): Promise<T> {
    try {
      return await parsing;
    } catch (error) {
      if (this.#failure !== undefined) throw this.#failure.reason;
      const detail = error instanceof Error ? error.message : String(error);
      throw new CutFailedError("ProofFailed", `The segment's file can't be parsed: ${detail}`, { cause: error });
    }
  }
}

/** A track, and its next packet in decode order. */
class TrackReader {
  readonly #source: ParserSource;
  readonly #sink: EncodedPacketSink;
  readonly #options: PacketRetrievalOptions;
  readonly onPacket: (packet: EncodedPacket) => void | Promise<void>;
  next: EncodedPacket | null = null;

  constructor(
    source: ParserSource,
    track: InputTrack,
    options: PacketRetrievalOptions,
    onPacket: TrackReader["onPacket"],
  ) {
    this.#source = source;
    // Its iterator would read ahead as many packets as were read in the last second.
    this.#sink = new EncodedPacketSink(track);
    this.#options = options;
    this.onPacket = onPacket;
  }

  async begin(): Promise<void> {
    this.next = await this.#source.resultOf(this.#sink.getFirstPacket(this.#options));
  }

  async advance(packet: EncodedPacket): Promise<void> {
    this.next = await this.#source.resultOf(this.#sink.getNextPacket(packet, this.#options));
  }
}

async function readTracks(source: ParserSource, segment: SegmentFile, handlers: PacketHandlers): Promise<void> {
  const { container, audio, signal } = segment;
  const [video] = await source.resultOf(source.input.getVideoTracks());
  if (video === undefined) throw new CutFailedError("ProofFailed", "The segment's file has no video track");
  const tracks = [
    new TrackReader(source, video, {}, ({ timestamp, type, duration, data }) =>
      handlers.onVideo({
        time: timestamp,
        key: type === "key",
        duration: duration > 0 ? duration : undefined,
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      }),
    ),
  ];
  const found = await source.resultOf(source.input.getAudioTracks());
  for (const [index, track] of found.slice(0, audio.length).entries()) {
    const delay = isMatroska(container) ? await source.resultOf(codecDelay(track)) : 0;
    const pcmBytes = isMatroska(container) ? await source.resultOf(pcmBytesPerSecond(track)) : undefined;
    const onPacket = ({ timestamp, duration, byteLength }: EncodedPacket) =>
      handlers.onAudio(index, timestamp - delay, pcmBytes === undefined ? duration : byteLength / pcmBytes);
    tracks.push(new TrackReader(source, track, { metadataOnly: true }, onPacket));
  }
  for (const track of tracks) await track.begin();
  for (let track = nextOf(tracks); track?.next != null; track = nextOf(tracks)) {
    const packet = track.next;
    signal.throwIfAborted();
    await track.onPacket(packet);
    await track.advance(packet);
  }
}

/**
 * The track with the earliest packet: in Matroska, probably from the cluster that was read last.
 */
function nextOf(tracks: readonly TrackReader[]): TrackReader | undefined {
  return tracks
    .filter(({ next }) => next !== null)
    .reduce<TrackReader | undefined>(
      (first, track) => (first !== undefined && first.next!.timestamp <= track.next!.timestamp ? first : track),
      undefined,
    );
}

/**
 * Bytes per second of PCM; undefined for another codec. Matroska states no duration of its packets,
 * and the parser has none for the last one of a cluster.
 */
async function pcmBytesPerSecond(track: InputAudioTrack): Promise<number | undefined> {
  const codec = await track.getCodec();
  if (codec === null || !PCM_AUDIO_CODECS.some((pcm) => pcm === codec)) return undefined;
  // The names of G.711 codecs have no number: a sample has 8 bits.
  const bits = Number(/\d+/.exec(codec)?.[0] ?? 8);
  return ((await track.getSampleRate()) * (await track.getNumberOfChannels()) * bits) / 8;
}

/** Offset of the pre-skip behind "OpusHead", version and channels. RFC 7845, section 5.1. */
const PRE_SKIP_AT = 10;
const OPUS_RATE = 48_000;

/**
 * CodecDelay of a track in seconds (RFC 9559, section 5.1.4.1.28), which readers subtract from each
 * time and the parser doesn't. Of the codecs in use, only Opus has it and repeats it in its header.
 */
async function codecDelay(track: InputAudioTrack): Promise<number> {
  if ((await track.getCodec()) !== "opus") return 0;
  const description = (await track.getDecoderConfig())?.description;
  if (description === undefined) return 0;
  const header = ArrayBuffer.isView(description)
    ? new DataView(description.buffer, description.byteOffset, description.byteLength)
    : new DataView(description);
  return header.byteLength < PRE_SKIP_AT + 2 ? 0 : header.getUint16(PRE_SKIP_AT, true) / OPUS_RATE;
}
