import { recoveryPoint } from "./nal/sei-messages.ts";
import { isSlice, type NalCodec, NalReader, nalType, sliceType } from "./nal/units.ts";
import { isVpxCodec, keyframeSize } from "./vpx/keyframe-size.ts";

/**
 * Whether a decoder can start at a packet. Containers mark more packets as keyframes: pictures of
 * intra refresh, which are correct only some pictures later, and all pictures when the writer left
 * out the keyframe table.
 */
export type RandomAccessTest = (packet: Buffer) => boolean;

/**
 * The test for packets of one stream, in order; undefined for codecs that aren't supported here. An
 * invalid packet passes: then the container's flag counts.
 */
export function randomAccessTest(codec: string | undefined): RandomAccessTest | undefined {
  if (codec === "h264" || codec === "hevc") {
    const reader = new NalReader();
    return (packet) => {
      const units = reader.units(packet);
      return units === undefined || (codec === "h264" ? isAvcStart(units) : isHevcStart(units));
    };
  }
  if (isVpxCodec(codec)) return (packet) => keyframeSize(codec, packet) !== undefined;
  if (codec === "mpeg4") return (packet) => (bitsAfter(packet, VOP_START_CODE, 0, 2) ?? VOP_I) === VOP_I;
  if (codec === "mpeg1video" || codec === "mpeg2video")
    return (packet) => (bitsAfter(packet, PICTURE_START_CODE, 10, 3) ?? PICTURE_I) === PICTURE_I;
  return undefined;
}

const firstSlice = (codec: NalCodec, units: readonly Buffer[]): Buffer | undefined =>
  units.find((unit) => isSlice(codec, unit));

const AVC_IDR = 5;
/** I and SI. H.264, table 7-6. */
const INTRA_SLICES = [2, 4];

/** A recovery point of 0 pictures, or an intra picture. H.264, annex D.2.8. */
function isAvcStart(units: readonly Buffer[]): boolean {
  const slice = firstSlice("h264", units);
  if (slice === undefined || nalType("h264", slice) === AVC_IDR) return true;
  const further = recoveryPoint("h264", units);
  if (further !== undefined) return further === 0;
  const type = sliceType(slice);
  return type === undefined || INTRA_SLICES.includes(type);
}

/** BLA, IDR and CRA pictures, and reserved IRAP types. H.265, table 7-1. */
const HEVC_IRAP = { from: 16, to: 23 };

function isHevcStart(units: readonly Buffer[]): boolean {
  const slice = firstSlice("hevc", units);
  if (slice === undefined) return true;
  const type = nalType("hevc", slice);
  return (type >= HEVC_IRAP.from && type <= HEVC_IRAP.to) || recoveryPoint("hevc", units) === 0;
}

/** MPEG-4 part 2, section 6.2.5: vop_coding_type follows. */
const VOP_START_CODE = Buffer.from([0, 0, 1, 0xb6]);
const VOP_I = 0;
/** MPEG-2, section 6.2.3: temporal_reference and picture_coding_type follow. */
const PICTURE_START_CODE = Buffer.from([0, 0, 1, 0]);
const PICTURE_I = 1;

/**
 * Reads `count` bits (at most 8), `skipped` bits after a start code; undefined without that code.
 */
function bitsAfter(packet: Buffer, code: Buffer, skipped: number, count: number): number | undefined {
  const found = packet.indexOf(code);
  const at = found + code.length + (skipped >> 3);
  if (found === -1 || at + 1 >= packet.length) return undefined;
  return (packet.readUInt16BE(at) >> (16 - (skipped & 7) - count)) & ((1 << count) - 1);
}
