import { useState } from "preact/hooks";
import type { WaitingView } from "../api/types.ts";
import { DropZone } from "./drop-zone.tsx";
import { Failure } from "./elements.tsx";
import { formatBytes, formatMoment } from "./logic/format.ts";
import { useStore } from "./use-store.ts";
import { RequestSplit, VideoCard } from "./video-card.tsx";

function Waiting({ waiting: { bucket, key, bytes, time, accepted } }: { waiting: WaitingView }) {
  return (
    <article class="card waiting" aria-label={key}>
      <h2>
        <span class="name">{key.slice(key.lastIndexOf("/") + 1)}</span>{" "}
        <span class="badge">{accepted ? "uploaded" : "not split"}</span>
      </h2>
      <p class="muted">
        {formatMoment(time, new Date())}, {formatBytes(bytes)}
      </p>
      {accepted ? (
        <>
          <p class="loading">The split function has the upload, and nothing is planned yet.</p>
          <RequestSplit bucket={bucket} name={key} />
        </>
      ) : (
        <p>Its extension isn't one that is split: rename it, or add it to video_split.accepted_extensions.</p>
      )}
    </article>
  );
}

export function Videos({ onDocument }: { onDocument: (id: number) => void }) {
  const store = useStore();
  const { state, more, about, isLoaded, error } = store;
  // Videos that are split while the page is open are opened; of those before, the newest.
  const [first] = useState(() => new Set<number>());
  const isOpen = (id: number, status: string, at: number) => {
    if ((at === 0 && first.size === 0) || status === "processing") first.add(id);
    return first.has(id);
  };
  return (
    <section aria-label="Videos" class="stack">
      {about?.can.upload && <DropZone />}
      {error && <Failure>{error}</Failure>}
      {!isLoaded && error === undefined && <p class="loading">Loading videos…</p>}
      {isLoaded && state.videos.length === 0 && state.waiting.length === 0 && (
        <p class="empty">
          There are no videos yet.{" "}
          {about?.can.upload ? "Drop one above." : `Upload one below ${about?.uploads.prefix} of the upload bucket.`}
        </p>
      )}
      {state.waiting.map((waiting) => (
        <Waiting key={`${waiting.bucket}/${waiting.key}`} waiting={waiting} />
      ))}
      {state.videos.map((video, at) => (
        <VideoCard
          key={video.VideoId}
          video={video}
          isOpen={isOpen(video.VideoId, video.status, at)}
          onDocument={onDocument}
        />
      ))}
      {more && (
        <button type="button" onClick={() => void store.loadOlder()}>
          Older videos
        </button>
      )}
    </section>
  );
}
