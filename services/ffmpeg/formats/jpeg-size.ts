/**
 * Start of frame: its segment has the size. Not a Huffman table (C4), arithmetic conditioning (CC)
 * or an extension (C8). ISO/IEC 10918-1, table B.1.
 */
const isStartOfFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** [width, height] of a JPEG in pixels; undefined where it has none. */
export function jpegSize(jpeg: Buffer): [number, number] | undefined {
  // Behind the start of the image, each segment is a marker and its length, which counts itself.
  for (let at = 2; at + 9 <= jpeg.length && jpeg[at] === 0xff; at += 2 + jpeg.readUInt16BE(at + 2))
    if (isStartOfFrame(jpeg.readUInt8(at + 1))) return [jpeg.readUInt16BE(at + 7), jpeg.readUInt16BE(at + 5)];
  return undefined;
}
