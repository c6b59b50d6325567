/**
 * Reads which tracks a transport stream has, from its program map tables. ISO/IEC 13818-1, 2.4.4.
 */

/** The tracks of one program: their stream types, by PID. */
export type ProgramMap = ReadonlyMap<number, number>;

const SYNC = 0x47;
const PACKET_BYTES = 188;

/** With a time stamp in front, as on Blu-ray discs, or with parity behind. */
const SPACINGS = [PACKET_BYTES, 192, 204] as const;

/** So many packets in a row aren't found by chance. */
const SYNCED_PACKETS = 5;

const PAT_PID = 0;
const [PAT_TABLE, PMT_TABLE] = [0, 2];

const STREAM_ENTRY_BYTES = 5;
const CRC_BYTES = 4;

/** Stream types of video: MPEG-1, MPEG-2, MPEG-4, H.264, HEVC, VVC, VC-1, and China's AVS. */
const VIDEO_TYPES = [0x01, 0x02, 0x10, 0x1b, 0x24, 0x33, 0xea, 0x42, 0xd2, 0xd4];

export const isVideoType = (type: number | undefined): boolean => VIDEO_TYPES.includes(type ?? -1);

/** The packets of a stretch of a transport stream, 188 bytes each. Empty where there are none. */
function* packetsIn(bytes: Buffer): Generator<Buffer> {
  for (const spacing of SPACINGS)
    for (let first = 0; first < spacing; first += 1) {
      const isSynced = Array.from({ length: SYNCED_PACKETS }, (_, at) => bytes[first + at * spacing]);
      if (!isSynced.every((byte) => byte === SYNC)) continue;
      for (let at = first; at + PACKET_BYTES <= bytes.length; at += spacing)
        if (bytes[at] === SYNC) yield bytes.subarray(at, at + PACKET_BYTES);
      return;
    }
}

/** A packet's PID, whether a section begins in it, and its payload. */
function payloadOf(packet: Buffer): { pid: number; isStart: boolean; payload: Buffer } {
  const hasAdaptation = (packet[3]! & 0x20) !== 0;
  const start = hasAdaptation ? 5 + packet[4]! : 4;
  return {
    pid: packet.readUInt16BE(1) & 0x1fff,
    isStart: (packet[1]! & 0x40) !== 0,
    payload: packet.subarray(Math.min(start, PACKET_BYTES)),
  };
}

/** A section from its table id on to before its checksum; undefined while it's incomplete. */
function sectionIn(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 3) return undefined;
  const end = 3 + (bytes.readUInt16BE(1) & 0xfff);
  return bytes.length < end ? undefined : bytes.subarray(0, Math.max(0, end - CRC_BYTES));
}

/** PIDs of the program maps that a PAT lists. Program 0 is the network's table. */
function mapPidsIn(section: Buffer): number[] {
  const pids: number[] = [];
  for (let at = 8; at + 4 <= section.length; at += 4)
    if (section.readUInt16BE(at) !== 0) pids.push(section.readUInt16BE(at + 2) & 0x1fff);
  return pids;
}

function tracksIn(section: Buffer): ProgramMap {
  const tracks = new Map<number, number>();
  if (section.length < 12) return tracks;
  let at = 12 + (section.readUInt16BE(10) & 0xfff);
  while (at + STREAM_ENTRY_BYTES <= section.length) {
    tracks.set(section.readUInt16BE(at + 1) & 0x1fff, section[at]!);
    at += STREAM_ENTRY_BYTES + (section.readUInt16BE(at + 3) & 0xfff);
  }
  return tracks;
}

/** The program maps in a stretch of a transport stream, in order. */
export function programMapsIn(bytes: Buffer): ProgramMap[] {
  const maps: ProgramMap[] = [];
  const mapPids = new Set<number>();
  const begun = new Map<number, Buffer>();
  for (const packet of packetsIn(bytes)) {
    const { pid, isStart, payload } = payloadOf(packet);
    if (pid !== PAT_PID && !mapPids.has(pid)) continue;
    const before = isStart ? Buffer.alloc(0) : begun.get(pid);
    if (before === undefined || payload.length === 0) continue;
    // A section begins behind a pointer field and what it skips.
    const part = isStart ? payload.subarray(1 + payload[0]!) : payload;
    const section = sectionIn(Buffer.concat([before, part]));
    begun.set(pid, section === undefined ? Buffer.concat([before, part]) : Buffer.alloc(0));
    if (section === undefined) continue;
    if (pid === PAT_PID && section[0] === PAT_TABLE) for (const one of mapPidsIn(section)) mapPids.add(one);
    if (pid !== PAT_PID && section[0] === PMT_TABLE) maps.push(tracksIn(section));
    begun.delete(pid);
  }
  return maps;
}
