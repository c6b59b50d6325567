import type { RunningDigest } from "./running-digest.ts";

/**
 * Table-driven CRCs that node:zlib lacks, eight bytes a step ("slicing-by-8"). Both are reflected,
 * start from all ones and end inverted. Parameters: CRC-32C (Castagnoli) in RFC 3720 appendix B.4;
 * CRC-64/NVME in the NVM Express base specification, section "64b CRC", as S3 uses them:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export const CRC32_POLYNOMIAL = 0xedb88320n;
export const CRC32C_POLYNOMIAL = 0x82f63b78n;
export const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

const SLICES = 8;
const LOW_HALF = 0xffffffffn;

/**
 * `tables[slice * 256 + byte]`: the contribution of a byte `slice` bytes before the end of the
 * step.
 */
function sliceTables(polynomial: bigint): bigint[] {
  const tables: bigint[] = [];
  for (let byte = 0n; byte < 256n; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    tables.push(crc);
  }
  for (let index = 256; index < SLICES * 256; index++) {
    const before = tables[index - 256]!;
    tables.push((before >> 8n) ^ tables[Number(before & 0xffn)]!);
  }
  return tables;
}

const CRC32C_TABLES = Uint32Array.from(sliceTables(CRC32C_POLYNOMIAL), Number);
const CRC64_TABLES = sliceTables(CRC64NVME_POLYNOMIAL);
const CRC64_LOW = Int32Array.from(CRC64_TABLES, (entry) => Number(entry & LOW_HALF) | 0);
const CRC64_HIGH = Int32Array.from(CRC64_TABLES, (entry) => Number(entry >> 32n) | 0);

/** CRC-32C of all updates; `digest` gives 4 bytes, big-endian. */
export class Crc32c implements RunningDigest {
  #crc = -1;

  update(chunk: Uint8Array): void {
    const t = CRC32C_TABLES;
    const whole = chunk.length - (chunk.length % SLICES);
    let crc = this.#crc;
    let at = 0;
    for (; at < whole; at += SLICES) {
      crc =
        t[1792 + ((crc ^ chunk[at]!) & 255)]! ^
        t[1536 + (((crc >>> 8) ^ chunk[at + 1]!) & 255)]! ^
        t[1280 + (((crc >>> 16) ^ chunk[at + 2]!) & 255)]! ^
        t[1024 + ((crc >>> 24) ^ chunk[at + 3]!)]! ^
        t[768 + chunk[at + 4]!]! ^
        t[512 + chunk[at + 5]!]! ^
        t[256 + chunk[at + 6]!]! ^
        t[chunk[at + 7]!]!;
    }
    for (; at < chunk.length; at++) crc = (crc >>> 8) ^ t[(crc ^ chunk[at]!) & 255]!;
    this.#crc = crc;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(~this.#crc);
    return bytes;
  }
}

/** CRC-64/NVME of all updates, held in two 32-bit halves; `digest` gives 8 bytes, big-endian. */
export class Crc64Nvme implements RunningDigest {
  #low = -1;
  #high = -1;

  update(chunk: Uint8Array): void {
    const lows = CRC64_LOW;
    const highs = CRC64_HIGH;
    const whole = chunk.length - (chunk.length % SLICES);
    let low = this.#low;
    let high = this.#high;
    let at = 0;
    for (; at < whole; at += SLICES) {
      const a = 1792 + ((low ^ chunk[at]!) & 255);
      const b = 1536 + (((low >>> 8) ^ chunk[at + 1]!) & 255);
      const c = 1280 + (((low >>> 16) ^ chunk[at + 2]!) & 255);
      const d = 1024 + ((low >>> 24) ^ chunk[at + 3]!);
      const e = 768 + ((high ^ chunk[at + 4]!) & 255);
      const f = 512 + (((high >>> 8) ^ chunk[at + 5]!) & 255);
      const g = 256 + (((high >>> 16) ^ chunk[at + 6]!) & 255);
      const h = (high >>> 24) ^ chunk[at + 7]!;
      low = lows[a]! ^ lows[b]! ^ lows[c]! ^ lows[d]! ^ lows[e]! ^ lows[f]! ^ lows[g]! ^ lows[h]!;
      high = highs[a]! ^ highs[b]! ^ highs[c]! ^ highs[d]! ^ highs[e]! ^ highs[f]! ^ highs[g]! ^ highs[h]!;
    }
    for (; at < chunk.length; at++) {
      const entry = (low ^ chunk[at]!) & 255;
      low = ((low >>> 8) | (high << 24)) ^ lows[entry]!;
      high = (high >>> 8) ^ highs[entry]!;
    }
    this.#low = low;
    this.#high = high;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(~this.#high, 0);
    bytes.writeInt32BE(~this.#low, 4);
    return bytes;
  }
}
