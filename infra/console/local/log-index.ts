import { hasExtension } from "../../../services/video/source.ts";
import type { BusEvent } from "../../emulator/events/index.ts";
import type { BusName, Place, Plan, VideoView, WaitingView } from "../api/types.ts";

/** What an event of the service says of its upload, as far as it is read here. */
type Data = Partial<Plan & Place & { VideoId: number; etag: string; version_id: string }>;

type Created = WaitingView & { etag: string };

const nameOfObject = ({ bucket, key }: Place): string => JSON.stringify([bucket, key]);

/** How many objects without a document are kept. */
const MAX_WAITING = 1_000;

/** What the event log has and documents don't: plans, the order of uploads, objects without a document. */
export class LogIndex {
  /** The time of the first event of each upload, in milliseconds, by VideoId. */
  readonly #begun = new Map<number, number>();
  readonly #plans = new Map<number, Plan>();
  readonly #ended = new Set<number>();
  readonly #waiting = new Map<string, Created>();
  /** ETags of the objects that events are about, by bucket and key. */
  readonly #known = new Map<string, Set<string>>();
  readonly #uploads: { bucket: string; prefix: string };
  readonly #extensions: readonly string[];

  constructor(uploads: { bucket: string; prefix: string }, extensions: readonly string[]) {
    this.#uploads = uploads;
    this.#extensions = extensions;
  }

  /** Takes each event once or more, in any order. */
  add(bus: BusName, event: BusEvent): void {
    if (bus === "default") this.#addCreated(event);
    else this.#addOwn(event);
  }

  #addCreated({ source, time, detail, "detail-type": type }: BusEvent): void {
    if (source !== "aws.s3" || type !== "Object Created") return;
    const { bucket, object } = detail as {
      bucket: { name: string };
      object: { key: string; size: number; etag: string };
    };
    const { key } = object;
    if (bucket.name !== this.#uploads.bucket || !key.startsWith(this.#uploads.prefix)) return;
    const name = nameOfObject({ bucket: bucket.name, key });
    if (this.#known.get(name)?.has(object.etag)) return;
    const accepted = hasExtension(key, this.#extensions);
    this.#waiting.delete(name);
    this.#waiting.set(name, { bucket: bucket.name, key, bytes: object.size, time, accepted, etag: object.etag });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
  }

  #addOwn({ time, detail, "detail-type": type }: BusEvent): void {
    if (!["SplitPlanned", "VideoSplit", "VideoRejected"].includes(type)) return;
    const { VideoId, bucket, key, etag, cut, segment_seconds, segment_count } = (detail as { data?: Data }).data ?? {};
    if (VideoId === undefined || bucket === undefined || key === undefined) return;
    const at = Date.parse(time);
    this.#begun.set(VideoId, Math.min(at, this.#begun.get(VideoId) ?? at));
    const isEnd = type === "VideoSplit";
    if (isEnd) this.#ended.add(VideoId);
    // The plan may expect more segments than there are in the end.
    if (cut !== undefined && segment_seconds !== undefined && segment_count !== undefined)
      if (isEnd || !this.#ended.has(VideoId)) this.#plans.set(VideoId, { cut, segment_seconds, segment_count });
    const name = nameOfObject({ bucket, key });
    this.#known.set(name, (this.#known.get(name) ?? new Set()).add(etag ?? ""));
    if (this.#waiting.get(name)?.etag === etag) this.#waiting.delete(name);
  }

  withPlan(video: VideoView): VideoView {
    const plan = this.#plans.get(video.VideoId);
    return plan === undefined ? video : { ...video, plan };
  }

  /** Newest first: uploads before one, or all. None before one that isn't known. */
  idsBefore(before: number | undefined): number[] {
    // Sorting is stable: of one second, the one that was added last comes first.
    const ids = [...this.#begun].reverse().sort(([, one], [, other]) => other - one);
    const from = before === undefined ? 0 : ids.findIndex(([id]) => id === before) + 1;
    return before !== undefined && from === 0 ? [] : ids.slice(from).map(([id]) => id);
  }

  waiting(): WaitingView[] {
    return [...this.#waiting.values()].reverse().map(({ etag: _, ...waiting }) => waiting);
  }
}
