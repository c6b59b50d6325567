import { useEffect, useRef, useState } from "preact/hooks";
import type { Addresses, Plan, SegmentView } from "../api/types.ts";
import { formatBytes, formatSeconds, formatTime, plural } from "./logic/format.ts";
import { deviationOf } from "./logic/timeline.ts";
import { scrollTopFor, visibleRows } from "./logic/visible-rows.ts";
import { ADDRESS_MS } from "./player.tsx";
import { useDelayed, useStore } from "./use-store.ts";

/** Pixels. console.css has the same. */
const ROW_HEIGHT = 76;

/** A list of more rows than these scrolls by itself. */
const MAX_ROWS_IN_VIEW = 7;

/** Rows that go by within this time, in milliseconds, get no poster. */
const SCROLLING_MS = 150;

/** Addresses of posters: those of rows that came into view, asked for together. */
function usePosters(segments: readonly (SegmentView | undefined)[], first: number, last: number): Map<number, string> {
  const { client, counts } = useStore();
  const [posters, setPosters] = useState<Map<number, { url: string; at: number }>>(() => new Map());
  const isFresh = (id: number) => Date.now() - (posters.get(id)?.at ?? 0) < ADDRESS_MS;
  const missing = segments
    .slice(first, last)
    .flatMap((segment) => (segment === undefined || isFresh(segment.VideoId) ? [] : [segment.VideoId]));
  const key = useDelayed(missing.join(","), SCROLLING_MS);
  useEffect(() => {
    if (key === "") return;
    let isGone = false;
    const at = Date.now();
    client.get<Addresses>("addresses", { ids: key }).then(
      (addresses) => {
        const found = Object.entries(addresses).flatMap(([id, { poster }]) =>
          poster === undefined ? [] : [[Number(id), { url: poster, at }] as const],
        );
        if (!isGone && found.length > 0) setPosters((before) => new Map([...before, ...found]));
      },
      // A placeholder is shown, and the next change asks again.
      () => {},
    );
    return () => {
      isGone = true;
    };
  }, [client, key, counts.poster]);
  return new Map([...posters].map(([id, { url }]) => [id, url]));
}

type RowProps = {
  segment: SegmentView;
  plan: Plan | undefined;
  poster: string | undefined;
  isPlaying: boolean;
  onPlay: (index: number) => void;
  onDocument: (id: number) => void;
};

function Row({ segment, plan, poster, isPlaying, onPlay, onDocument }: RowProps) {
  const { segment_index: index, start, end, duration, frames, bytes, made } = segment;
  const deviation = deviationOf(segment, plan);
  return (
    <>
      <button type="button" class="poster" aria-label={`Play segment ${index}`} onClick={() => onPlay(index)}>
        {poster === undefined ? <span aria-hidden="true">▶</span> : <img src={poster} alt="" loading="lazy" />}
      </button>
      <div class="what">
        <strong>Segment {index}</strong> {made && <span class={`badge ${made}`}>{made}</span>}{" "}
        {isPlaying && <span class="badge playing">playing</span>}
        <br />
        {formatTime(start)} – {formatTime(end)}
        {deviation && <span class="muted"> ({deviation})</span>}
        <span class="muted more">
          {" "}
          {formatSeconds(duration)}, {plural(frames, "frame")}, {formatBytes(bytes)}
        </span>
      </div>
      <button
        type="button"
        class="small"
        aria-label={`Document of segment ${index}`}
        onClick={() => onDocument(segment.VideoId)}
      >
        Document
      </button>
    </>
  );
}

export type SegmentListProps = {
  segments: readonly (SegmentView | undefined)[];
  count: number;
  plan: Plan | undefined;
  playing: number | undefined;
  /** The segment to scroll to. */
  shown: number | undefined;
  onPlay: (index: number) => void;
  onDocument: (id: number) => void;
};

/** A list that has elements only for the rows in view, however many there are. */
export function SegmentList({ segments, count, plan, playing, shown, onPlay, onDocument }: SegmentListProps) {
  const view = useRef<HTMLElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const height = Math.min(count, MAX_ROWS_IN_VIEW) * ROW_HEIGHT;
  const { first, last } = visibleRows(count, ROW_HEIGHT, scrollTop, height);
  const posters = usePosters(segments, first, last);
  useEffect(() => {
    if (view.current && shown !== undefined)
      view.current.scrollTop = scrollTopFor(shown, ROW_HEIGHT, view.current.scrollTop, height);
  }, [shown, height]);
  const rows = Array.from({ length: last - first }, (_, at) => first + at);
  return (
    <section
      ref={view}
      class="segments"
      aria-label={`Segments, ${count} in number`}
      style={{ height: `${height}px` }}
      onScroll={({ currentTarget }) => setScrollTop(currentTarget.scrollTop)}
    >
      <ul style={{ height: `${count * ROW_HEIGHT}px` }}>
        {rows.map((index) => {
          const segment = segments[index];
          return (
            <li
              key={index}
              aria-setsize={count}
              aria-posinset={index + 1}
              class={index === playing ? "row playing" : "row"}
              style={{ top: `${index * ROW_HEIGHT}px` }}
            >
              {segment === undefined ? (
                <span class="muted">Segment {index} isn't there yet</span>
              ) : (
                <Row
                  segment={segment}
                  plan={plan}
                  poster={posters.get(segment.VideoId)}
                  isPlaying={index === playing}
                  onPlay={onPlay}
                  onDocument={onDocument}
                />
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
