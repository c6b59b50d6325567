import { rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { MadeSegment } from "../../split/ports/media-tools.ts";
import { pictureHasher } from "../formats/nal/units.ts";
import { stampFile } from "../formats/stamp-file.ts";
import { Condition } from "../process/condition.ts";
import { unreadable } from "../process/errors.ts";
import { isIso } from "../proof/product.ts";
import { type Expected, proveSegment, roundingOf } from "../proof/proof.ts";
import { stampAt } from "../source/file-facts.ts";
import { hasSampleTable } from "../source/sample-table.ts";
import { cutSegments, type Segmentation, type SourcePacket } from "./segmenter.ts";

export type CopiedCut = Omit<Segmentation, "listener" | "audio" | "hash"> & {
  audio: readonly { index: number; codec: string }[];
  /** As ffprobe names it. */
  codec: string;
  /** How many frames each segment has. */
  frames: readonly number[];
  /** The first segment that is wanted. */
  from: number;
};

/** Frames in decode order, of which the oldest are taken away. */
class SourcePackets {
  readonly #video: SourcePacket[] = [];
  readonly #audio: number[][];
  readonly #changed = new Condition();
  readonly #signal: AbortSignal;
  #ended = false;

  constructor(audioTracks: number, signal: AbortSignal) {
    this.#audio = Array.from({ length: audioTracks }, () => []);
    this.#signal = signal;
  }

  get listener(): Segmentation["listener"] {
    return {
      onVideo: (packet) => {
        this.#video.push(packet);
        this.#changed.notify();
      },
      onAudio: (track, time) => this.#audio[track]!.push(time),
      onEnd: () => {
        this.#ended = true;
        this.#changed.notify();
      },
    };
  }

  /** The next frames, in presentation order: fewer where the source ended. */
  async takeFrames(count: number): Promise<SourcePacket[]> {
    await this.#changed.waitFor(() => this.#ended || this.#video.length >= count, this.#signal);
    return this.#video.splice(0, count).sort((one, other) => one.time - other.time);
  }

  takeAudio(track: number, count: number): number[] {
    return this.#audio[track]!.splice(0, count);
  }
}

/** Where the container doesn't say, a frame is as long as its neighbours are on average. */
function lastDuration(frames: readonly SourcePacket[]): number {
  const last = frames.at(-1);
  if (last === undefined || last.duration > 0) return last?.duration ?? 0;
  return (last.time - frames[0]!.time) / Math.max(1, frames.length - 1);
}

/** Codecs whose packets ffmpeg writes into MP4 and MOV as it read them there. */
const VERBATIM = ["h264", "hevc", "mpeg4", "vp9", "av1", "prores", "mjpeg"];

/** Whether packets are the same in source and segment to the last byte: then ffmpeg hashes them on the way, and none comes here. */
const isVerbatim = ({ format, container, codec }: CopiedCut): boolean =>
  hasSampleTable(format) && isIso(container) && VERBATIM.includes(codec);

/**
 * Cuts by stream copy and proves each segment against the packets that were read from the source. The muxer decides which
 * packet of sound is the first of a segment; that none is lost or comes twice shows in their times, one after the other.
 */
export async function* cutByCopy(cut: CopiedCut): AsyncGenerator<MadeSegment> {
  const { binary, directory, codec, container, audio, signal } = cut;
  const source = new SourcePackets(audio.length, signal);
  const verbatim = isVerbatim(cut);
  const hash = verbatim ? "whole" : pictureHasher(codec);
  const files = cutSegments({ ...cut, audio: audio.map(({ index }) => index), listener: source.listener, hash });
  let origin: number | undefined;
  for await (const file of files) {
    const planned = cut.frames[file.index] ?? 0;
    const frames = await source.takeFrames(planned);
    if (frames.length < planned) {
      // Throws why ffmpeg ended, where it didn't end well: that says nothing about the file.
      while ((await files.next()).done !== true);
      throw unreadable(`the source ends within segment ${file.index}: ${frames.length} of its ${planned} frames came`);
    }
    const begin = frames[0]?.time ?? 0;
    origin ??= begin;
    const expected: Expected = {
      hash: verbatim ? crc32 : pictureHasher(codec),
      frames: frames.map(({ time, hash }) => ({ time: time - begin, hash })),
      start: begin - origin,
      lastDuration: lastDuration(frames),
      audio: (track, count) => source.takeAudio(track, count).map((time) => time - begin),
      audioIsPacked: audio.map((track) => !track.codec.startsWith("pcm_")),
      rounding: roundingOf(container),
      startsOnKey: file.index > 0,
    };
    await stampFile(file.path, container, stampAt(cut.facts, expected.start));
    const product = { binary, directory, path: file.path, audioTracks: audio.length, container, codec, signal };
    const proof = await proveSegment(product, expected);
    if (file.index < cut.from) {
      await rm(file.path);
      continue;
    }
    yield { ...file, made: "copied", codec, audioCodecs: audio.map((track) => track.codec), proof };
  }
}
