/** RFC 6386, section 9.1: the bit of the first byte. */
const VP8_SHOW_FRAME = 0x10;

/**
 * Whether a packet is decoded and not shown: an alternative reference frame of VP8, which is a packet of
 * its own. In VP9, ffmpeg's muxers put it into the packet of the next frame.
 */
export const isHiddenFrame = (codec: string | undefined, packet: Buffer): boolean =>
  codec === "vp8" && packet.length > 0 && (packet[0]! & VP8_SHOW_FRAME) === 0;
