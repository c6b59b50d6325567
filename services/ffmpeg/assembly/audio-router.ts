import { MAX_LEAD_SECONDS } from "../../split/domain/early-audio.ts";
import type { MatroskaHeader } from "../formats/matroska/writer.ts";
import { unreadable } from "../process/errors.ts";
import type { AudioTrack } from "../source/describe.ts";
import { SeekError } from "../source/seek-point.ts";
import { type AudioOutput, isPcm } from "./audio-output.ts";
import { SegmentAudio } from "./segment-audio.ts";
import { type AudioPacket, splitPcm } from "./split-audio-packets.ts";
import type { SpoolFolder } from "./spool.ts";

export type AudioRouting = {
  /** Start of each segment's audio: seconds from the first video frame. */
  starts: readonly number[];
  /** Index of the first segment to make. */
  from: number;
  /** Whether reading begins after the start of the source. */
  isSeeked: boolean;
  audio: readonly AudioTrack[];
  /** How each track is written. */
  audioOutputs: readonly AudioOutput[];
  spools: SpoolFolder;
};

/** How far a track was read. */
type Progress = {
  /** Time of the last packet: seconds from the first video frame. */
  time: number;
  duration: number;
};

/**
 * A seek may begin within a packet, and times that a container doesn't store are counted from an
 * earlier packet.
 */
const SETTLING_SECONDS = 0.25;

/** Passes each audio packet on to the segment that its time is in. */
export class AudioRouter {
  readonly #routing: AudioRouting;
  readonly #progress: Progress[];
  readonly #segments = new Map<number, SegmentAudio>();
  /** Segments before this index were taken. */
  #taken: number;

  constructor(routing: AudioRouting) {
    this.#routing = routing;
    this.#taken = routing.from;
    this.#progress = routing.audio.map(() => ({ time: Number.NEGATIVE_INFINITY, duration: 0 }));
  }

  /** The segment that a time (seconds from the first video frame) is in. */
  segmentAt(time: number): number {
    const { starts } = this.#routing;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= time + 1e-6) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /**
   * Adds a packet of an audio track. `header` describes all tracks and is the same for all packets.
   */
  async add(header: MatroskaHeader, track: number, packet: AudioPacket): Promise<void> {
    const { starts, audio, audioOutputs } = this.#routing;
    const next = starts[this.segmentAt(packet.time) + 1];
    const isInNext = next !== undefined && packet.time + packet.duration > next;
    // AVI stores no audio times: its audio must begin with the video, so PCM is split exactly.
    const divided =
      isInNext && isPcm(audioOutputs[track]!.codec) ? splitPcm(packet, next, audio[track]!.rate) : undefined;
    if (divided === undefined) return this.#addTo(header, track, packet);
    await this.#addTo(header, track, divided[0]);
    await this.add(header, track, divided[1]);
  }

  async #addTo(header: MatroskaHeader, track: number, packet: AudioPacket): Promise<void> {
    const { starts, from, isSeeked } = this.#routing;
    const { time } = packet;
    const index = this.segmentAt(time);
    const before = this.#progress[track]!;
    // Earlier packets may be stored before the position where reading began.
    if (isSeeked && !Number.isFinite(before.time) && time > starts[from]! - SETTLING_SECONDS)
      throw new SeekError(`the first packet that was read of audio track ${track} is late, at ${time} s`);
    const isMeasured = packet.duration > 0;
    const duration = isMeasured ? packet.duration : before.duration;
    const gap = Number.isFinite(before.time) ? Math.max(0, time - before.time - before.duration) : 0;
    this.#progress[track] = { time, duration };
    if (index < from || time < -MAX_LEAD_SECONDS) return;
    if (index < this.#taken) throw unreadable("audio is stored too far behind the video of the same time");
    const placed = { ...packet, time: time - starts[index]!, duration, gap, isMeasured };
    await this.#audioOf(index, header).write(track, placed);
  }

  /** Whether every track was read up to `time`. */
  isRead(time: number): boolean {
    return this.#progress.every((track) => track.time >= time);
  }

  /** The complete audio of a segment; undefined when it has none. */
  take(index: number): SegmentAudio | undefined {
    this.#taken = index + 1;
    const audio = this.#segments.get(index);
    this.#segments.delete(index);
    return audio;
  }

  #audioOf(index: number, header: MatroskaHeader): SegmentAudio {
    const known = this.#segments.get(index);
    if (known !== undefined) return known;
    const { spools, audio: tracks } = this.#routing;
    const spool = spools.spool(`${String(index).padStart(5, "0")}.audio`);
    const audio = new SegmentAudio(
      spool,
      header,
      tracks.map(({ lead }) => (index === 0 ? lead : 0)),
    );
    this.#segments.set(index, audio);
    return audio;
  }
}
