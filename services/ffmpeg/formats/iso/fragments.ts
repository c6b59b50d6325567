import { unreadable } from "../../process/errors.ts";
import type { NalCodec } from "../nal/units.ts";
import { type Box, boxesIn, firstOf } from "./boxes.ts";

/**
 * Writes H.264 and HEVC packets as fragmented MP4, which ffmpeg reads from a pipe with decode and
 * presentation times unchanged. ISO/IEC 14496-12, section 8.8. The header (`ftyp` and `moov`) is
 * one that ffmpeg wrote for the source, so that rotation, aspect and colours are kept.
 */

const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 8);
  header.write(type, 4, "latin1");
  return Buffer.concat([header, body]);
};

/**
 * Signed or unsigned 32-bit fields. Throws `CutFailedError` (UnreadableMedia) for a value out of
 * range.
 */
const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) {
    if (value < -(2 ** 31) || value >= 2 ** 32) throw unreadable(`a fragment of MP4 can't hold ${value} in 32 bits`);
    bytes.writeUInt32BE(value >>> 0, index * 4);
  }
  return bytes;
};

const long = (value: number): Buffer => {
  if (!Number.isSafeInteger(value) || value < 0) throw unreadable(`a fragment of MP4 can't start at ${value}`);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

export type Sample = {
  /** Ticks of the track's timescale. */
  duration: number;
  size: number;
  key: boolean;
  /** Presentation time minus decode time, in ticks. */
  offset: number;
};

const TRACK = 1;
const SECOND_TRACK = 2;
const BASE_IS_MOOF = 0x020000;
/** trun flags: data offset, and each sample's duration, size, flags and composition offset. */
const RUN_FIELDS = 0x000f01;
const KEY_FLAGS = 0x02000000;
const OTHER_FLAGS = 0x01010000;
const FLAGS_AND_VERSION_1 = 0x01000000;

/**
 * The boxes of a fragment in front of its samples' bytes. `isSecond`: of the second track of
 * `Mp4Header.withSecondTrack`.
 */
export function fragmentHeader(decodeTime: number, samples: readonly Sample[], isSecond = false): Buffer {
  const movie = (dataOffset: number): Buffer =>
    box(
      "moof",
      box("mfhd", words(0, 1)),
      box(
        "traf",
        box("tfhd", words(BASE_IS_MOOF, isSecond ? SECOND_TRACK : TRACK)),
        box("tfdt", words(FLAGS_AND_VERSION_1), long(decodeTime)),
        box(
          "trun",
          words(FLAGS_AND_VERSION_1 | RUN_FIELDS, samples.length, dataOffset),
          words(...samples.flatMap((s) => [s.duration, s.size, s.key ? KEY_FLAGS : OTHER_FLAGS, s.offset])),
        ),
      ),
    );
  const bytes = samples.reduce((sum, { size }) => sum + size, 0);
  const data = Buffer.concat([words(bytes + 8), Buffer.from("mdat", "latin1")]);
  return Buffer.concat([movie(movie(0).length + data.length), data]);
}

/** Position of a box, including its header. */
type Position = { at: number; size: number };

/** Finds a box by a path of types, from the start of `bytes`. */
function locate(bytes: Buffer, path: readonly string[]): Position {
  let found: Box | undefined;
  let body = viewOf(bytes);
  for (const type of path) {
    found = firstOf(boxesIn(body, BEFORE_CHILDREN[found?.type ?? ""]), type);
    // Headers of ffmpeg have no boxes with 64-bit sizes.
    if (found?.header !== HEADER_BYTES) throw unreadable(`the MP4 header has no ${path.join(".")}`);
    body = found.body;
  }
  return { at: body.byteOffset - bytes.byteOffset - HEADER_BYTES, size: body.byteLength + HEADER_BYTES };
}

const HEADER_BYTES = 8;

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Bytes of fields in front of the boxes inside a box. */
const BEFORE_CHILDREN: { readonly stsd: number; readonly [type: string]: number } = {
  stsd: 8,
  avc1: 78,
  avc3: 78,
  hvc1: 78,
  hev1: 78,
  dvh1: 78,
  dvhe: 78,
};

/** Where a sample description has its frame size: ISO/IEC 14496-12, section 12.1.3. */
const FRAME_SIZE_AT = 24;

const MEDIA = ["moov", "trak", "mdia"];
const DESCRIPTIONS = [...MEDIA, "minf", "stbl", "stsd"];
const CONFIGURATION: Readonly<Record<NalCodec, string>> = { h264: "avcC", hevc: "hvcC" };

/** The header (`ftyp`, `moov`) of a fragmented MP4 with one track of H.264 or HEVC. */
export class Mp4Header {
  readonly #bytes: Buffer;
  readonly #codec: NalCodec;

  constructor(bytes: Buffer, codec: NalCodec) {
    this.#bytes = bytes;
    this.#codec = codec;
  }

  #descriptionPath(): string[] {
    const { at, size } = locate(this.#bytes, DESCRIPTIONS);
    const descriptions = viewOf(this.#bytes.subarray(at + 8, at + size));
    const [description] = boxesIn(descriptions, BEFORE_CHILDREN.stsd);
    return [...DESCRIPTIONS, description?.type ?? "a description"];
  }

  #configurationPath(): string[] {
    return [...this.#descriptionPath(), CONFIGURATION[this.#codec]];
  }

  /** The decoder configuration: body of avcC or hvcC. */
  get configuration(): Buffer {
    const { at, size } = locate(this.#bytes, this.#configurationPath());
    return this.#bytes.subarray(at + 8, at + size);
  }

  /** A copy with another timescale, in ticks per second. */
  withClock(ticks: number): Mp4Header {
    const bytes = Buffer.from(this.#bytes);
    const { at, size } = locate(bytes, [...MEDIA, "mdhd"]);
    const field = bytes[at + 8] === 1 ? 28 : 20;
    if (size < field + 4) throw unreadable("the MP4 header has no timescale");
    bytes.writeUInt32BE(ticks, at + field);
    return new Mp4Header(bytes, this.#codec);
  }

  /**
   * A copy whose sample description has another frame size, to which ffmpeg crops decoded frames. The
   * pixels' aspect, which is that of the track's size to the frame's, stays the same.
   */
  withFrameSize(size: readonly [number, number]): Mp4Header {
    const bytes = Buffer.from(this.#bytes);
    const frame = locate(bytes, this.#descriptionPath()).at + HEADER_BYTES + FRAME_SIZE_AT;
    const track = locate(bytes, ["moov", "trak", "tkhd"]).at + HEADER_BYTES;
    const shown = track + (bytes[track] === 1 ? 88 : 76);
    for (const [side, pixels] of size.entries()) {
      const before = bytes.readUInt16BE(frame + 2 * side);
      if (before > 0) {
        const scaled = (bytes.readUInt32BE(shown + 4 * side) * pixels) / before;
        bytes.writeUInt32BE(Math.min(Math.round(scaled), 2 ** 32 - 1), shown + 4 * side);
      }
      bytes.writeUInt16BE(pixels, frame + 2 * side);
    }
    return new Mp4Header(bytes, this.#codec);
  }

  withConfiguration(configuration: Buffer): Mp4Header {
    const path = this.#configurationPath();
    const { at, size } = locate(this.#bytes, path);
    const bytes = Buffer.concat([
      this.#bytes.subarray(0, at),
      box(CONFIGURATION[this.#codec], configuration),
      this.#bytes.subarray(at + size),
    ]);
    const grown = configuration.length + 8 - size;
    for (let depth = 1; depth < path.length; depth += 1) {
      const parent = locate(this.#bytes, path.slice(0, depth));
      bytes.writeUInt32BE(parent.size + grown, parent.at);
    }
    return new Mp4Header(bytes, this.#codec);
  }

  /** The bytes of a header with two such tracks. */
  withSecondTrack(): Buffer {
    const track = this.#copyOf(["moov", "trak"]);
    const header = locate(track, ["trak", "tkhd"]).at + HEADER_BYTES;
    track.writeUInt32BE(SECOND_TRACK, header + (track[header] === 1 ? 20 : 12));
    const defaults = this.#copyOf(["moov", "mvex", "trex"]);
    defaults.writeUInt32BE(SECOND_TRACK, HEADER_BYTES + 4);
    const bytes = Buffer.from(this.#bytes);
    const [movie, extension] = [locate(bytes, ["moov"]), locate(bytes, ["moov", "mvex"])];
    bytes.writeUInt32BE(movie.size + track.length + defaults.length, movie.at);
    bytes.writeUInt32BE(extension.size + defaults.length, extension.at);
    const extensionEnd = extension.at + extension.size;
    const [before, after] = [bytes.subarray(0, extensionEnd), bytes.subarray(extensionEnd)];
    return Buffer.concat([before.subarray(0, extension.at), track, before.subarray(extension.at), defaults, after]);
  }

  #copyOf(path: readonly string[]): Buffer {
    const { at, size } = locate(this.#bytes, path);
    return Buffer.from(this.#bytes.subarray(at, at + size));
  }

  get bytes(): Buffer {
    return this.#bytes;
  }
}

/** The header of what ffmpeg's mp4 muxer wrote: everything in front of the first fragment. */
export function mp4HeaderOf(written: Buffer, codec: NalCodec): Mp4Header {
  let end = 0;
  for (const { type, body } of boxesIn(viewOf(written))) {
    if (type !== "ftyp" && type !== "moov") break;
    end = body.byteOffset + body.byteLength - written.byteOffset;
  }
  return new Mp4Header(written.subarray(0, end), codec);
}
