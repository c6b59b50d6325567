import { useEffect, useRef, useState } from "preact/hooks";
import type { Addresses, SegmentView } from "../api/types.ts";
import { Failure } from "./elements.tsx";
import { formatTime } from "./logic/format.ts";
import { useStore } from "./use-store.ts";

type PlayerProps = {
  segments: readonly (SegmentView | undefined)[];
  index: number;
  /** Whether the next one follows. */
  isAll: boolean;
  onIndex: (index: number) => void;
  onClose: () => void;
};

/** Addresses of a segment and of the one after it, which is loaded before it's needed. */
function useMedia(ids: readonly number[]): { media: ReadonlyMap<number, string>; error: string | undefined } {
  const { client } = useStore();
  const [media, setMedia] = useState<ReadonlyMap<number, string>>(new Map());
  const [error, setError] = useState<string>();
  const missing = ids.filter((id) => !media.has(id)).join(",");
  useEffect(() => {
    if (missing === "") return;
    client.get<Addresses>("addresses", { ids: missing }).then(
      (found) =>
        setMedia(
          (before) =>
            new Map([...before, ...Object.entries(found).map(([id, one]) => [Number(id), one.media] as const)]),
        ),
      (failure: Error) => setError(failure.message),
    );
  }, [client, missing]);
  return { media, error };
}

/** Plays a segment, and after it the next one. Two elements, so that no time passes between them. */
export function Player({ segments, index, isAll, onIndex, onClose }: PlayerProps) {
  const current = segments[index];
  const next = isAll ? segments[index + 1] : undefined;
  const shown = [current, next].filter((segment) => segment !== undefined);
  const { media, error } = useMedia(shown.map(({ VideoId }) => VideoId));
  const playing = useRef<HTMLVideoElement>(null);
  const [failure, setFailure] = useState<string>();
  const isReady = current !== undefined && media.has(current.VideoId);
  useEffect(() => {
    setFailure(undefined);
    // A browser may want a click first: its controls are there.
    if (isReady) void playing.current?.play().catch(() => {});
  }, [index, isReady]);
  const fail = ({ currentTarget }: Event) => {
    const { error: fault } = currentTarget as HTMLVideoElement;
    setFailure(
      `The browser can't play it (${fault?.message || "unknown format"}). Its frames are proven all the same.`,
    );
  };
  return (
    <div class="player">
      <p>
        <strong>Segment {index}</strong>{" "}
        {current && `${formatTime(current.start)} – ${formatTime(current.end)} of the source`}
      </p>
      {shown.map((segment) => {
        const isCurrent = segment === current;
        return (
          <video
            key={segment.VideoId}
            ref={isCurrent ? playing : null}
            class={isCurrent ? "" : "hidden"}
            src={media.get(segment.VideoId)}
            controls={isCurrent}
            preload="auto"
            playsInline
            aria-label={`Segment ${segment.segment_index}`}
            onError={isCurrent ? fail : undefined}
            onEnded={isCurrent && next !== undefined ? () => onIndex(index + 1) : undefined}
          />
        );
      })}
      {(failure ?? error) && <Failure>{failure ?? error}</Failure>}
      <p class="buttons">
        <button type="button" disabled={index === 0} onClick={() => onIndex(index - 1)}>
          Previous
        </button>
        <button type="button" disabled={segments[index + 1] === undefined} onClick={() => onIndex(index + 1)}>
          Next
        </button>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </p>
    </div>
  );
}
