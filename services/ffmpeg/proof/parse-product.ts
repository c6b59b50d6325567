import { type FileHandle, open } from "node:fs/promises";
import {
  CustomSource,
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
import { unlessAborted } from "../process/condition.ts";
import { CutFailedError } from "../process/errors.ts";
import { readFully } from "../process/read-fully.ts";
import { isMatroska, type Product, type ProductReader } from "./product.ts";

// It warns, on the console, of codecs that it can't decode; here packets are only read.
Logging.level = LogLevel.Silent;

/** Of the file's bytes. Beside them the parser holds an MP4's index, or a cluster of Matroska. */
const MAX_CACHE_BYTES = 2 * 1024 * 1024;

/**
 * Reads a produced MP4, MOV, 3GP, Matroska or WebM file with mediabunny, whatever its codecs. One
 * packet of each track is held at a time. The file is closed however the reading ends.
 */
export async function parseProduct(product: Product, reader: ProductReader): Promise<void> {
  const { path, signal } = product;
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const source = new ProductSource(file, size);
    try {
      await unlessAborted(readTracks(source, product, reader), signal);
    } finally {
      source.input.dispose();
    }
  } finally {
    await file.close();
  }
}

/**
 * A file as the parser sees it. What goes wrong in reading it isn't taken for what is wrong with
 * its bytes.
 */
class ProductSource {
  readonly input: Input;
  #failure: { reason: unknown } | undefined;

  constructor(file: FileHandle, size: number) {
    const read = async (start: number, end: number) => {
      try {
        return await readFully(file, start, end - start);
      } catch (reason) {
        this.#failure ??= { reason };
        throw reason;
      }
    };
    const source = new CustomSource({
      getSize: () => size,
      read,
      maxCacheSize: MAX_CACHE_BYTES,
      prefetchProfile: "fileSystem",
      // Of reading ahead: a read that is waited for says it again.
      handleUnhandledError: () => {},
    });
    this.input = new Input({ source, formats: [MP4, QTFF, MATROSKA, WEBM] });
  }

  /** The parser's answer. */
  async answer<T>(parsing: Promise<T>): Promise<T> {
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
  readonly #source: ProductSource;
  readonly #sink: EncodedPacketSink;
  readonly #options: PacketRetrievalOptions;
  readonly onPacket: (packet: EncodedPacket) => void | Promise<void>;
  next: EncodedPacket | null = null;

  constructor(
    source: ProductSource,
    track: InputTrack,
    options: PacketRetrievalOptions,
    onPacket: TrackReader["onPacket"],
  ) {
    this.#source = source;
    // Its iterator would read ahead as many packets as were taken in the last second.
    this.#sink = new EncodedPacketSink(track);
    this.#options = options;
    this.onPacket = onPacket;
  }

  async begin(): Promise<void> {
    this.next = await this.#source.answer(this.#sink.getFirstPacket(this.#options));
  }

  async advance(packet: EncodedPacket): Promise<void> {
    this.next = await this.#source.answer(this.#sink.getNextPacket(packet, this.#options));
  }
}

async function readTracks(source: ProductSource, product: Product, reader: ProductReader): Promise<void> {
  const { container, audioTracks, signal } = product;
  const [video] = await source.answer(source.input.getVideoTracks());
  if (video === undefined) throw new CutFailedError("ProofFailed", "The segment's file has no picture");
  const tracks = [
    new TrackReader(source, video, {}, ({ timestamp, type, duration, data }) =>
      reader.onVideo({
        time: timestamp,
        key: type === "key",
        duration: duration > 0 ? duration : undefined,
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      }),
    ),
  ];
  const sound = await source.answer(source.input.getAudioTracks());
  for (const [index, track] of sound.slice(0, audioTracks).entries()) {
    const delay = isMatroska(container) ? await source.answer(codecDelay(track)) : 0;
    const pcmBytes = isMatroska(container) ? await source.answer(pcmBytesPerSecond(track)) : undefined;
    const onPacket = ({ timestamp, duration, byteLength }: EncodedPacket) =>
      reader.onAudio(index, timestamp - delay, pcmBytes === undefined ? duration : byteLength / pcmBytes);
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

/** The track with the earliest packet: in Matroska, likely one of the cluster that was read last. */
function nextOf(tracks: readonly TrackReader[]): TrackReader | undefined {
  return tracks
    .filter(({ next }) => next !== null)
    .reduce<TrackReader | undefined>(
      (first, track) => (first !== undefined && first.next!.timestamp <= track.next!.timestamp ? first : track),
      undefined,
    );
}

/**
 * Of PCM; undefined for another codec. Matroska states no duration of its packets, and the parser
 * has none for the last one of a cluster.
 */
async function pcmBytesPerSecond(track: InputAudioTrack): Promise<number | undefined> {
  const codec = await track.getCodec();
  if (codec === null || !PCM_AUDIO_CODECS.some((pcm) => pcm === codec)) return undefined;
  // Of G.711, whose names have no number, a sample has 8 bits.
  const bits = Number(/\d+/.exec(codec)?.[0] ?? 8);
  return ((await track.getSampleRate()) * (await track.getNumberOfChannels()) * bits) / 8;
}

/** "OpusHead", version, channels, then the pre-skip. RFC 7845, section 5.1. */
const PRE_SKIP_AT = 10;
const OPUS_RATE = 48_000;

/**
 * Seconds that Matroska has its readers take from each time of a track (CodecDelay, RFC 9559
 * section 5.1.4.1.28), which the parser leaves to them. Of the codecs in use only Opus has it, and
 * repeats it in its own header.
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
