export type Architecture = "arm64" | "x86_64";

/** ELF's number of a machine. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const MACHINES: Record<Architecture, number> = { x86_64: 0x3e, arm64: 0xb7 };

const HEADER_BYTES = 64;
const SEGMENT_LOAD = 1;
const SEGMENT_DYNAMIC = 2;
const TAG_NEEDED = 1;
const TAG_STRINGS = 5;

/** What decides where a Linux program runs. */
export type LinuxProgram = {
  /** An architecture's name, or "machine 243" for one that Lambda doesn't have. */
  machine: string;
  /** Shared libraries that it is linked with; none for a static one. */
  libraries: string[];
};

const viewOf = (content: Uint8Array): DataView => new DataView(content.buffer, content.byteOffset, content.byteLength);

/** Offsets, lengths and addresses of 64 bits; those of a file of under 8 PB are exact. */
const wide = (view: DataView, offset: number): number => Number(view.getBigUint64(offset, true));

function textAt(content: Uint8Array, offset: number): string {
  const end = content.indexOf(0, offset);
  return new TextDecoder().decode(content.subarray(offset, end));
}

/** The program header table. https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html */
function segmentsOf(view: DataView) {
  const [table, size, count] = [wide(view, 32), view.getUint16(54, true), view.getUint16(56, true)];
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * size;
    const [offset, address, bytes] = [wide(view, at + 8), wide(view, at + 16), wide(view, at + 32)];
    return { type: view.getUint32(at, true), offset, address, bytes };
  });
}

/**
 * Names of the shared libraries. https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html
 */
function librariesOf(content: Uint8Array): string[] {
  const view = viewOf(content);
  const segments = segmentsOf(view);
  const dynamic = segments.find(({ type }) => type === SEGMENT_DYNAMIC);
  if (dynamic === undefined) return [];
  const entries = Array.from({ length: dynamic.bytes / 16 }, (_, index) => {
    const at = dynamic.offset + index * 16;
    return { tag: wide(view, at), value: wide(view, at + 8) };
  });
  const strings = entries.find(({ tag }) => tag === TAG_STRINGS)?.value ?? 0;
  const holder = segments.find(
    ({ type, address, bytes }) => type === SEGMENT_LOAD && address <= strings && strings < address + bytes,
  );
  if (holder === undefined) return [];
  const start = holder.offset + strings - holder.address;
  return entries.filter(({ tag }) => tag === TAG_NEEDED).map(({ value }) => textAt(content, start + value));
}

/**
 * Reads a 64-bit little-endian ELF program; undefined for any other file, such as a program for
 * macOS or an incomplete download.
 */
export function readLinuxProgram(content: Uint8Array): LinuxProgram | undefined {
  if (content.length < HEADER_BYTES) return undefined;
  const view = viewOf(content);
  const isElf = view.getUint32(0) === 0x7f454c46;
  const is64BitLittleEndian = view.getUint8(4) === 2 && view.getUint8(5) === 1;
  if (!isElf || !is64BitLittleEndian) return undefined;
  const number = view.getUint16(18, true);
  const known = (Object.keys(MACHINES) as Architecture[]).find((name) => MACHINES[name] === number);
  try {
    return { machine: known ?? `machine ${number}`, libraries: librariesOf(content) };
  } catch (error) {
    // A table beyond the end of the file: the file is truncated.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
