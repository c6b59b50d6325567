import type { Proof } from "#events-schema";
import type { VideoView } from "../../api/types.ts";
import { formatCount, formatSeconds, formatTime, plural } from "./format.ts";

/** A figure of the proof, with its name. */
export type Figure = { name: string; value: string };

/** What was measured, in one or a few sentences. */
export function proofSentences({ proof, truncated, last_readable_time, undecodable, duration }: VideoView): string[] {
  if (proof === undefined) return ["The segments were made before proofs were recorded."];
  const { source_frames, segment_frames, undecodable_frames, copied_frames } = proof;
  const all =
    source_frames === segment_frames
      ? `All ${formatCount(source_frames)} frames of the source are in the segments, each once and in order.`
      : `${formatCount(segment_frames)} of the source's ${formatCount(source_frames)} frames can be decoded from the segments, each once and in order; ${formatCount(undecodable_frames)} can't be decoded.`;
  const share = Math.floor((copied_frames / source_frames) * 1_000) / 10;
  const copied = `${formatCount(copied_frames)} of them (${share} %) are bit for bit the source's.`;
  const deviation =
    proof.max_boundary_deviation_ms === 0
      ? "Each segment begins at the exact frame."
      : `A segment begins up to ${proof.max_boundary_deviation_ms} ms after the requested time.`;
  const cutShort =
    truncated === true
      ? [`The file can't be read beyond ${formatTime(last_readable_time ?? duration ?? 0)}: it was split up to there.`]
      : [];
  const damaged = (undecodable ?? []).map(
    ({ from, to }) => `From ${formatTime(from)} to ${formatTime(to)} the source is damaged.`,
  );
  return [all, copied, deviation, ...cutShort, ...damaged];
}

const milliseconds = (value: number): string => `${value} ms`;

/** The proof's figures. */
export function proofFigures(proof: Proof): Figure[] {
  return [
    { name: "Frames in the source", value: formatCount(proof.source_frames) },
    { name: "Frames in the segments", value: formatCount(proof.segment_frames) },
    { name: "Copied bit for bit", value: formatCount(proof.copied_frames) },
    { name: "Not decodable", value: formatCount(proof.undecodable_frames) },
    { name: "Largest deviation of a boundary", value: milliseconds(proof.max_boundary_deviation_ms) },
    { name: "Largest error of a frame's time", value: milliseconds(proof.max_frame_time_error_ms) },
    { name: "Largest offset of the audio", value: milliseconds(proof.max_audio_offset_ms) },
    ...(proof.max_audio_gap_ms === undefined
      ? []
      : [{ name: "Longest gap in the audio", value: milliseconds(proof.max_audio_gap_ms) }]),
  ];
}

/** "1280 × 720, 25 frames/s, 6 s, with audio". */
export function describeVideo({ size, fps, duration, audio, plan }: VideoView): string {
  const properties = [
    size && `${size[0]} × ${size[1]}`,
    fps && `${fps} frames/s`,
    duration !== undefined && formatSeconds(duration),
    audio === undefined ? undefined : audio ? "with audio" : "no audio",
    plan && `cut ${plan.cut}, ${plural(plan.segment_seconds, "second")} each`,
  ];
  return properties.filter((text) => typeof text === "string").join(", ");
}
