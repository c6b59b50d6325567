import { parentPort, workerData } from "node:worker_threads";
import {
  CustomSource,
  EncodedPacketSink,
  Input,
  type InputVideoTrack,
  Logging,
  LogLevel,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  WEBM,
} from "mediabunny";
import type { Keyframes } from "../api/types.ts";
import { ThinnedTimes } from "./thinned-times.ts";

/** A thread that reads the keyframes of one file. The other side ends it when it takes too much. */

export type WorkerInput = {
  /** The file's size. */
  bytes: number;
  /** Seconds from the first frame after which no keyframe counts: an index lists what a cut off file lacks. */
  duration: number;
  /** The size up to which a file is read as a whole. */
  maxBytes: number;
  /** The number of times in the answer. */
  maxTimes: number;
};

export type FromWorker =
  /** Asks for the bytes from `start` to before `end`. */
  { type: "read"; id: number; start: number; end: number } | { type: "found"; keyframes: Keyframes };

/** The answer to the "read" with the same id. */
export type ToWorker = { id: number; content: Uint8Array };

Logging.level = LogLevel.Silent;

const port = parentPort!;
const { bytes, duration, maxBytes, maxTimes } = workerData as WorkerInput;

const unknown = (why: string): Keyframes => ({ known: false, why });

/** Reads from the other side. */
function openInput(): Input {
  const waiting = new Map<number, (content: Uint8Array) => void>();
  let id = 0;
  port.on("message", (answer: ToWorker) => {
    waiting.get(answer.id)?.(answer.content);
    waiting.delete(answer.id);
  });
  const read = (start: number, end: number) =>
    new Promise<Uint8Array>((resolve) => {
      id += 1;
      waiting.set(id, resolve);
      port.postMessage({ type: "read", id, start, end } satisfies FromWorker);
    });
  const source = new CustomSource({ getSize: () => bytes, read, prefetchProfile: "network" });
  return new Input({ source, formats: [MP4, QTFF, MATROSKA, WEBM, MPEG_TS] });
}

/** The track that is split: the first default one, or the first one. docs/decisions/which-tracks.md */
async function videoTrackOf(input: Input): Promise<InputVideoTrack | undefined> {
  const tracks = await input.getVideoTracks();
  for (const track of tracks) if ((await track.getDisposition()).default) return track;
  return tracks[0];
}

const rounded = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;

/** Frames before time 0 aren't shown: an MP4's edit list begins after them. */
async function timesOf(track: InputVideoTrack): Promise<ThinnedTimes> {
  const times = new ThinnedTimes(maxTimes);
  const sink = new EncodedPacketSink(track);
  const options = { metadataOnly: true };
  const first = await sink.getFirstPacket(options);
  if (first === null) return times;
  const origin = Math.max(0, first.timestamp);
  let packet = first.type === "key" ? first : await sink.getNextKeyPacket(first, options);
  while (packet !== null) {
    const time = packet.timestamp - origin;
    if (time >= 0 && time < duration) times.add(rounded(time));
    packet = await sink.getNextKeyPacket(packet, options);
  }
  return times;
}

async function keyframes(): Promise<Keyframes> {
  const input = openInput();
  if (!(await input.canRead())) return unknown("the console can't read them from this format");
  const format = await input.getFormat();
  const hasIndex = format === MP4 || format === QTFF;
  if (!hasIndex && bytes > maxBytes)
    return unknown(`${format.name} has no list of them, and the file is too large to read it for this`);
  const track = await videoTrackOf(input);
  if (track === undefined) return unknown("the console finds no video track");
  const { count, kept } = await timesOf(track);
  return count === 0 ? unknown("the file marks none") : { known: true, count, times: kept };
}

keyframes()
  .catch(() => unknown("the file's index is damaged"))
  .then((found) => port.postMessage({ type: "found", keyframes: found } satisfies FromWorker));
