import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Keyframes, Plan, SegmentView } from "../api/types.ts";
import { describeKeyframes, keyframeColumns } from "./logic/keyframes.ts";
import { barsOf, boundariesOf, describeTimeline } from "./logic/timeline.ts";

/** Pixels. videos.css has the same height. */
const HEIGHT = 50;
const BAR_TOP = 12;
const BAR_HEIGHT = 20;
const PLAYING_HEIGHT = 6;
const BELOW = BAR_TOP + BAR_HEIGHT + 2;
const KEYFRAME_HEIGHT = 6;

const MADE = ["copied", "stitched", "encoded"] as const;

type Shown = {
  segments: readonly (SegmentView | undefined)[];
  known: number;
  plan: Plan | undefined;
  duration: number;
  playing: number | undefined;
  /** Of the source; undefined until they're read. */
  keyframes: Keyframes | undefined;
};
export type TimelineProps = Shown & { onChoose: (index: number) => void };

/** One path for all: there may be thousands. */
function drawKeyframes(context: CanvasRenderingContext2D, columns: readonly number[]): void {
  context.beginPath();
  for (const column of columns) context.rect(column, BELOW, 1, KEYFRAME_HEIGHT);
  context.fill();
}

function draw(canvas: HTMLCanvasElement, { segments, plan, duration, playing, keyframes }: Shown): void {
  const context = canvas.getContext("2d");
  const width = canvas.clientWidth;
  if (context === null || width === 0) return;
  const scale = devicePixelRatio;
  canvas.width = width * scale;
  canvas.height = HEIGHT * scale;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(`--${name}`);
  context.fillStyle = colour("empty");
  context.fillRect(0, BAR_TOP, width, BAR_HEIGHT);
  for (const { index, from, to, made } of barsOf(segments, duration)) {
    context.fillStyle = colour(made ?? "copied");
    // A gap of a pixel between two, where they're wide enough.
    const gap = (to - from) * width > 4 ? 1 : 0;
    context.fillRect(from * width, BAR_TOP, Math.max(0.5, (to - from) * width - gap), BAR_HEIGHT);
    if (index !== playing) continue;
    context.fillStyle = colour("accent");
    context.fillRect(from * width, BAR_TOP, Math.max(2, (to - from) * width - gap), PLAYING_HEIGHT);
  }
  context.fillStyle = colour("keyframe");
  if (keyframes !== undefined) drawKeyframes(context, keyframeColumns(keyframes, duration, width));
  for (const { requestedAt, actualAt } of boundariesOf(segments, plan, duration)) {
    context.fillStyle = colour("muted");
    context.fillRect(requestedAt * width - 0.5, 0, 1, BAR_TOP - 2);
    context.fillStyle = colour("text");
    context.fillRect(actualAt * width - 0.5, BELOW, 1, HEIGHT - BELOW);
  }
}

/**
 * Segments in the colour of how they were made; requested boundaries above, keyframes and actual
 * boundaries below.
 */
export function Timeline(shown: TimelineProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { segments, known, plan, duration, keyframes, onChoose } = shown;
  // The list is changed in place: `known` says when.
  const description = useMemo(() => describeTimeline(segments, plan), [segments, known, plan]);
  const keyframesText = keyframes && describeKeyframes(keyframes, duration);
  useEffect(() => {
    const redraw = () => canvas.current && draw(canvas.current, shown);
    redraw();
    const observer = new ResizeObserver(redraw);
    if (canvas.current) observer.observe(canvas.current);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", redraw);
    };
  }, [segments, known, plan, duration, keyframes, shown.playing]);
  const choose = ({ offsetX, currentTarget }: MouseEvent) => {
    const at = offsetX / (currentTarget as HTMLCanvasElement).clientWidth;
    const bar = barsOf(segments, duration).find(({ from, to }) => at >= from && at < to);
    if (bar !== undefined) onChoose(bar.index);
  };
  return (
    <figure class="timeline">
      {/* A click is a short cut: the list and "Go to segment" do the same from the keyboard. */}
      <canvas
        ref={canvas}
        role="img"
        aria-label={[description, keyframesText].filter(Boolean).join("; ")}
        onClick={choose}
      />
      <figcaption>
        {MADE.map((made) => (
          <span key={made} class={`key ${made}`}>
            {made}
          </span>
        ))}
        <span>above: requested boundaries, below: actual ones</span>
        {keyframesText && <span class={keyframes.known ? "key keyframe" : ""}>{keyframesText}</span>}
      </figcaption>
    </figure>
  );
}
