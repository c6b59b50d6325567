/** An audio packet; times are seconds from the first video frame. */
export type AudioPacket = { time: number; duration: number; data: Buffer };

/**
 * Bytes of an AMR frame by its type, which is in the first byte; 0 for a type that doesn't exist.
 * RFC 4867, section 5.3.
 */
const AMR_BYTES: Readonly<Record<string, readonly number[]>> = {
  amr_nb: [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1],
  amr_wb: [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1],
};

const AMR_SECONDS = 0.02;

/**
 * Splits a packet of AMR into packets of one frame: 3GP may store several in one, and ffmpeg writes
 * and decodes single ones. A packet of another codec, or one that doesn't consist of whole frames,
 * is returned as it is.
 */
export function amrFramesOf(codec: string, packet: AudioPacket): AudioPacket[] {
  const sizes = AMR_BYTES[codec];
  if (sizes === undefined) return [packet];
  const frames: AudioPacket[] = [];
  for (let at = 0; at < packet.data.length; ) {
    const size = sizes[(packet.data[at]! >> 3) & 0xf]!;
    if (size === 0 || at + size > packet.data.length) return [packet];
    const time = packet.time + frames.length * AMR_SECONDS;
    frames.push({ time, duration: AMR_SECONDS, data: packet.data.subarray(at, at + size) });
    at += size;
  }
  return frames;
}

/**
 * Splits a packet of PCM before the first sample at or after time `at`. `rate`: samples per second.
 * Undefined when that sample isn't inside the packet.
 */
export function splitPcm(
  { time, duration, data }: AudioPacket,
  at: number,
  rate: number,
): [AudioPacket, AudioPacket] | undefined {
  const samples = Math.round(duration * rate);
  const before = Math.ceil((at - time) * rate - 0.001);
  if (samples === 0 || data.length % samples !== 0 || before <= 0 || before >= samples) return undefined;
  const bytes = before * (data.length / samples);
  const first = before / rate;
  return [
    { time, duration: first, data: data.subarray(0, bytes) },
    { time: time + first, duration: duration - first, data: data.subarray(bytes) },
  ];
}
