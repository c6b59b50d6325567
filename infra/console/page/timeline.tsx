import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Plan, SegmentView } from "../api/types.ts";
import { barsOf, boundariesOf, describeTimeline } from "./logic/timeline.ts";

const HEIGHT = 44;
const BAR_TOP = 12;
const BAR_HEIGHT = 20;
const PLAYING_HEIGHT = 6;

const MADE = ["copied", "stitched", "encoded"] as const;

type Shown = {
  segments: readonly (SegmentView | undefined)[];
  known: number;
  plan: Plan | undefined;
  duration: number;
  playing: number | undefined;
};

function draw(canvas: HTMLCanvasElement, { segments, plan, duration, playing }: Shown): void {
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
  for (const { requestedAt, actualAt } of boundariesOf(segments, plan, duration)) {
    context.fillStyle = colour("muted");
    context.fillRect(requestedAt * width - 0.5, 0, 1, BAR_TOP - 2);
    context.fillStyle = colour("text");
    context.fillRect(actualAt * width - 0.5, BAR_TOP + BAR_HEIGHT + 2, 1, HEIGHT - BAR_TOP - BAR_HEIGHT - 2);
  }
}

/** Segments in the colour of how they were made; requested boundaries above, actual ones below. */
export function Timeline(shown: Shown & { onChoose: (index: number) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { segments, known, plan, duration, onChoose } = shown;
  // The list is changed in place: `known` says when.
  const description = useMemo(() => describeTimeline(segments, plan), [segments, known, plan]);
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
  }, [segments, known, plan, duration, shown.playing]);
  const choose = ({ offsetX, currentTarget }: MouseEvent) => {
    const at = offsetX / (currentTarget as HTMLCanvasElement).clientWidth;
    const bar = barsOf(segments, duration).find(({ from, to }) => at >= from && at < to);
    if (bar !== undefined) onChoose(bar.index);
  };
  return (
    <figure class="timeline">
      {/* A click is a short cut: the list and "Go to segment" do the same from the keyboard. */}
      <canvas ref={canvas} role="img" aria-label={description} onClick={choose} />
      <figcaption>
        {MADE.map((made) => (
          <span key={made} class={`key ${made}`}>
            {made}
          </span>
        ))}
        <span>above: requested boundaries, below: actual ones</span>
      </figcaption>
    </figure>
  );
}
