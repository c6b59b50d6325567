import { element } from "../../services/ffmpeg/formats/matroska/ebml.ts";
import { ID } from "../../services/ffmpeg/formats/matroska/ids.ts";

/** Elements of Matroska of which only hostile files have so many. RFC 9559, section 5.1. */

const TAGS = 0x1254c367;
const TAG = 0x7373;
const TARGETS = 0x63c0;
const SIMPLE_TAG = 0x67c8;
const TAG_NAME = 0x45a3;
const TAG_STRING = 0x4487;
const VOID = 0xec;

const SIZE_BYTES = 8;
const UNKNOWN_SIZE = Buffer.from("01ffffffffffffff", "hex");

const simpleTag = (number: number): Buffer =>
  element(
    SIMPLE_TAG,
    Buffer.concat([element(TAG_NAME, Buffer.from(`T${number}`)), element(TAG_STRING, Buffer.from("v"))]),
  );

/** Tags of the file, each in an element of its own. */
export const tags = (count: number): Buffer =>
  element(
    TAGS,
    Buffer.concat(
      Array.from({ length: count }, (_, number) =>
        element(TAG, Buffer.concat([element(TARGETS, Buffer.alloc(0)), simpleTag(number)])),
      ),
    ),
  );

/** Tags of the file in one element. */
export const tagsInOne = (count: number): Buffer =>
  element(
    TAGS,
    element(
      TAG,
      Buffer.concat([element(TARGETS, Buffer.alloc(0)), ...Array.from({ length: count }, (_, n) => simpleTag(n))]),
    ),
  );

/** Empty elements. */
export const voids = (count: number): Buffer => Buffer.alloc(2 * count, Buffer.from([VOID, 0x80]));

/** A file with elements at the start of its segment, whose size is unknown then. */
export function withElements(file: Buffer, ...elements: readonly Buffer[]): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(ID.Segment);
  const begin = file.indexOf(id) + id.length;
  return Buffer.concat([file.subarray(0, begin), UNKNOWN_SIZE, ...elements, file.subarray(begin + SIZE_BYTES)]);
}
