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

/** Addresses are signed for an hour. Milliseconds after which one is asked for again. */
export const ADDRESS_MS = 50 * 60_000;

type Signed = { url: string; at: number };

/** Addresses of a segment and of the one after it, which is loaded before it's needed. */
function useMedia(ids: readonly number[]): { media: ReadonlyMap<number, Signed>; error: string | undefined } {
  const { client } = useStore();
  const [media, setMedia] = useState<ReadonlyMap<number, Signed>>(new Map());
  const [error, setError] = useState<string>();
  const isFresh = (signed: Signed | undefined) => signed !== undefined && Date.now() - signed.at < ADDRESS_MS;
  // A video that plays keeps its address: ids change when another one is chosen.
  const wanted = ids.join(",");
  useEffect(() => {
    const missing = ids.filter((id) => !isFresh(media.get(id))).join(",");
    if (missing === "") return;
    client.get<Addresses>("addresses", { ids: missing }).then(
      (found) => {
        const at = Date.now();
        const signed = Object.entries(found).map(([id, one]) => [Number(id), { url: one.media, at }] as const);
        setMedia((before) => new Map([...before, ...signed]));
      },
      (failure: Error) => setError(failure.message),
    );
  }, [client, wanted]);
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
            src={media.get(segment.VideoId)?.url}
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
