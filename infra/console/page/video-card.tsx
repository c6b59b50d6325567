import { useEffect, useState } from "preact/hooks";
import type { VideoView } from "../api/types.ts";
import { Failure, useChange } from "./elements.tsx";
import { formatBytes, formatMoment, plural } from "./logic/format.ts";
import { describeVideo, proofFigures, proofSentences } from "./logic/proof.ts";
import { segmentCount } from "./logic/videos.ts";
import { Player } from "./player.tsx";
import { SegmentList } from "./segment-list.tsx";
import { Timeline, type TimelineProps } from "./timeline.tsx";
import { useKeyframes } from "./use-keyframes.ts";
import { useStore } from "./use-store.ts";

function ProofOf({ video }: { video: VideoView }) {
  return (
    <div class="proof">
      <h3>Proof</h3>
      <p>{proofSentences(video).join(" ")}</p>
      {video.proof && (
        <details>
          <summary>Figures</summary>
          <dl>
            {proofFigures(video.proof).map(({ name, value }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}

/** Asks the service to split an object, or to try again. */
export function RequestSplit({ bucket, name }: { bucket: string; name: string }) {
  const { client, about } = useStore();
  const change = useChange(about?.confirm);
  const request = () =>
    change.run("Request a split", async (confirm) => {
      await client.post("requests", { bucket, key: name, confirm });
      return "Requested.";
    });
  return (
    <span>
      <button type="button" class="small" disabled={change.isBusy} onClick={request}>
        Request a split
      </button>{" "}
      {change.says && <span role="status">{change.says}</span>}
      {change.error && <Failure>{change.error}</Failure>}
      {change.dialog}
    </span>
  );
}

function GoTo({ count, onGo }: { count: number; onGo: (index: number) => void }) {
  const [text, setText] = useState("");
  const go = (event: Event) => {
    event.preventDefault();
    const index = Number(text);
    if (text !== "" && Number.isInteger(index) && index >= 0 && index < count) onGo(index);
  };
  return (
    <form class="goto" onSubmit={go}>
      <label>
        Go to segment
        <input inputMode="numeric" value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
      </label>
      <button type="submit" class="small">
        Go
      </button>
    </form>
  );
}

type SourceTimelineProps = Omit<TimelineProps, "plan" | "duration" | "keyframes"> & { video: VideoView };

/** The timeline of a video. Its source's keyframes are read when it's shown. */
function SourceTimeline({ video, ...shown }: SourceTimelineProps) {
  const keyframes = useKeyframes(video.VideoId);
  return <Timeline {...shown} plan={video.plan} duration={video.duration ?? 0} keyframes={keyframes} />;
}

/** From this many segments on, one can be gone to by its number. */
const MANY = 8;

function Segments({ video, onDocument }: { video: VideoView; onDocument: (id: number) => void }) {
  const store = useStore();
  const [playing, setPlaying] = useState<number>();
  const [isAll, setIsAll] = useState(false);
  const [shown, setShown] = useState<number>();
  useEffect(() => store.open(video.VideoId), [store, video.VideoId]);
  const { list, known, isLoaded, error } = store.segmentsOf(video.VideoId);
  const count = segmentCount(video, list.length);
  const play = (index: number | undefined, all: boolean) => {
    setPlaying(index);
    setIsAll(all);
    setShown(index);
  };
  return (
    <>
      {video.status === "processing" && count > 0 && (
        <p>
          <progress max={count} value={known} aria-label={`Segments of ${video.name}`} /> {known} of{" "}
          {plural(count, "segment")}
        </p>
      )}
      {error && <Failure>{error}</Failure>}
      {!isLoaded && known === 0 && <p class="loading">Loading segments…</p>}
      {known > 0 && (
        <>
          <SourceTimeline
            video={video}
            segments={list}
            known={known}
            playing={playing}
            onChoose={(index) => play(index, false)}
          />
          <div class="buttons">
            <button type="button" class="primary" onClick={() => play(playing ?? 0, true)}>
              Play all
            </button>
            {count >= MANY && <GoTo count={count} onGo={setShown} />}
          </div>
        </>
      )}
      {playing !== undefined && (
        <Player
          segments={list}
          index={playing}
          isAll={isAll}
          onIndex={(index) => play(index, isAll)}
          onClose={() => play(undefined, false)}
        />
      )}
      {count > 0 && (
        <SegmentList
          segments={list}
          count={count}
          plan={video.plan}
          playing={playing}
          shown={shown}
          onPlay={(index) => play(index, false)}
          onDocument={onDocument}
        />
      )}
    </>
  );
}

const STATUS = { processing: "being split", split: "split", rejected: "rejected" } as const;

export function VideoCard({
  video,
  isOpen: isOpenAtFirst,
  onDocument,
}: {
  video: VideoView;
  isOpen: boolean;
  onDocument: (id: number) => void;
}) {
  const [isOpen, setIsOpen] = useState(isOpenAtFirst);
  const { name, extension, status, bytes, creation_time, key, bucket, rejection, VideoId } = video;
  const count = segmentCount(video, 0);
  return (
    <article class={`card ${status}`} aria-label={name}>
      <h2>
        <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          <span class="name">{extension === "" ? name : `${name}.${extension}`}</span>
          <span class={`badge ${status}`}>{STATUS[status]}</span>
        </button>
      </h2>
      <p class="muted">
        {[formatMoment(creation_time, new Date()), formatBytes(bytes), describeVideo(video)].filter(Boolean).join(", ")}
        {status === "split" && count > 0 && `: ${plural(count, "segment")}`}
      </p>
      {rejection && (
        <>
          <Failure>
            {rejection.message} <code>{rejection.reason}</code>
          </Failure>
          <RequestSplit bucket={bucket} name={key} />
        </>
      )}
      {isOpen && status !== "rejected" && (
        <>
          <Segments video={video} onDocument={onDocument} />
          {status === "split" && <ProofOf video={video} />}
        </>
      )}
      {isOpen && (
        <p class="muted place">
          s3://{bucket}/{key}{" "}
          <button type="button" class="small" onClick={() => onDocument(VideoId)}>
            Document
          </button>
        </p>
      )}
    </article>
  );
}
