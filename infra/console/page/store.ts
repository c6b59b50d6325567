import type { About, Keyframes, Message, Segments, SegmentView, Videos, VideoView } from "../api/types.ts";
import { type Client, OfflineError, RefusedError } from "./client.ts";
import { afterMessage, segmentOfEvent, type VideosState, viewOfEvent, withVideos } from "./logic/videos.ts";

export type Connection = "loading" | "online" | "offline" | "refused";

/** Segments of one video by their index, as far as they're known. */
export type SegmentsState = {
  list: (SegmentView | undefined)[];
  /** How many of the list are there. */
  known: number;
  isLoaded: boolean;
  /** Whether they were loaded after their video had ended: no more will come. */
  isWhole: boolean;
  error: string | undefined;
};

/** Milliseconds from a break to the next try, and from one look at a stage to the next. */
const PAUSE_MS = 1_500;
const POLL_MS = 5_000;

/** Changes within this time, in milliseconds, are shown together: thousands of events come in a row. */
const RENDER_MS = 50;

/** Milliseconds after PosterCreated in which its document may still be about to change. */
const POSTER_MS = 30_000;

/** Changes of documents within this time, in milliseconds, are one reason to load them. */
const RELOAD_MS = 1_000;

const PAGE_OF_SEGMENTS = 1_000;
const MAX_FAULTS = 100;

/** Of a video that isn't open. Nothing is added to this list. */
const NO_SEGMENTS: SegmentsState = { list: [], known: 0, isLoaded: false, isWhole: false, error: undefined };

/**
 * What the page shows of videos. It comes from the API, and from the stream's messages after that.
 * Listeners are called every `RENDER_MS` at most.
 */
export class Store {
  readonly client: Client;
  connection: Connection = "loading";
  refusal = "";
  about: About | undefined;
  state: VideosState = { videos: [], waiting: [] };
  /** Whether there are older videos. */
  more = false;
  isLoaded = false;
  error: string | undefined;
  faults: { fault: string; time: string }[] = [];
  /** By VideoId, of the timelines that were shown. */
  readonly keyframes = new Map<number, Keyframes>();
  /** What was announced last, for screen readers. */
  announcement = "";
  /** Go up with each message of their type; `poster` when documents may have new posters. */
  readonly counts = { event: 0, deadLetter: 0, documents: 0, poster: 0 };
  readonly #segments = new Map<number, SegmentsState>();
  /** Videos that messages of this connection are about: their documents may not be there yet. */
  readonly #arrived = new Set<number>();
  readonly #listeners = new Set<() => void>();
  #isLoadDue = false;
  #posterAt = Number.NEGATIVE_INFINITY;
  readonly #stopping = new AbortController();
  #isDue = false;

  constructor(client: Client) {
    this.client = client;
  }

  /** Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      for (const listener of this.#listeners) listener();
    }, RENDER_MS);
  }

  /** Connects, and again after each break, until `stop`. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.about = await this.client.get<About>("about", {}, signal);
        this.#arrived.clear();
        if (this.about.can.events) await this.client.stream(() => void this.load(), this.#receive, signal);
        else await this.#poll(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#fail(error);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  #fail(error: unknown): void {
    if (error instanceof RefusedError && error.status === 401) this.connection = "refused";
    else if (error instanceof OfflineError) this.connection = "offline";
    this.refusal = error instanceof Error ? error.message : String(error);
    if (error instanceof RefusedError && error.status !== 401) this.error = this.refusal;
    this.changed();
  }

  /** A deployed stage sends nothing: what is shown is asked for again, while somebody looks. */
  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (document.visibilityState === "visible") await this.load();
      if (this.connection !== "online") return;
      this.counts.documents += 1;
      this.counts.poster += 1;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Loads the newest videos, and the segments of those that are open. */
  async load(): Promise<void> {
    try {
      const { videos, waiting, more } = await this.client.get<Videos>("videos");
      const oldest = videos.at(-1)?.creation_time ?? "";
      const kept = this.state.videos.filter(
        ({ VideoId, creation_time }) => this.#arrived.has(VideoId) || (more && creation_time < oldest),
      );
      this.state = { ...withVideos({ videos: kept, waiting: [] }, videos), waiting };
      // Whether there are more than the older ones that are kept is known from when they were loaded.
      if (!kept.some(({ creation_time }) => creation_time < oldest)) this.more = more;
      this.connection = "online";
      this.isLoaded = true;
      this.error = undefined;
      this.changed();
      for (const [id, { isWhole }] of this.#segments) if (!isWhole) await this.#loadSegments(id);
    } catch (error) {
      this.#fail(error);
    }
  }

  async loadOlder(): Promise<void> {
    const before = this.state.videos.at(-1)?.VideoId;
    try {
      const { videos, more } = await this.client.get<Videos>("videos", { before });
      this.state = withVideos(this.state, videos);
      this.more = more;
      this.changed();
    } catch (error) {
      this.#fail(error);
    }
  }

  segmentsOf(videoId: number): SegmentsState {
    return this.#segments.get(videoId) ?? NO_SEGMENTS;
  }

  /** Loads a video's segments, and keeps them up to date from now on. */
  open(videoId: number): void {
    if (this.#segments.has(videoId)) return;
    this.#segments.set(videoId, { ...NO_SEGMENTS, list: [] });
    void this.#loadSegments(videoId);
  }

  async #loadSegments(videoId: number): Promise<void> {
    try {
      const { status, plan } = this.state.videos.find(({ VideoId }) => VideoId === videoId) ?? {};
      const { list } = this.segmentsOf(videoId);
      const gap = list.indexOf(undefined);
      for (let from = gap === -1 ? list.length : gap; ; ) {
        const page = await this.client.get<Segments>(`videos/${videoId}/segments`, { from, limit: PAGE_OF_SEGMENTS });
        this.#addSegments(videoId, page.segments);
        const last = page.segments.at(-1);
        if (!page.more || last === undefined) break;
        from = last.segment_index + 1;
      }
      const loaded = this.segmentsOf(videoId);
      // The index that lists them follows their events.
      const isWhole = status !== "processing" && loaded.known >= (plan?.segment_count ?? 0);
      this.#segments.set(videoId, { ...loaded, isLoaded: true, isWhole });
      this.changed();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#segments.set(videoId, { ...this.segmentsOf(videoId), error: message });
      this.#fail(error);
    }
  }

  #addSegments(videoId: number, segments: readonly SegmentView[]): void {
    const before = this.segmentsOf(videoId);
    const { list } = before;
    let { known } = before;
    // One array for all: a copy for each of thousands of events would take long.
    for (const segment of segments) {
      while (list.length < segment.segment_index) list.push(undefined);
      if (list[segment.segment_index] === undefined) known += 1;
      list[segment.segment_index] = segment;
    }
    this.#segments.set(videoId, { ...before, known, error: undefined });
    this.changed();
  }

  readonly #receive = (message: Message): void => {
    if (message.type === "fault") {
      this.faults = [message, ...this.faults].slice(0, MAX_FAULTS);
      this.changed();
      return;
    }
    this.counts[message.type] += 1;
    if (message.type === "documents") this.#loadSoon();
    if (message.type === "event" && this.about !== undefined) {
      this.state = afterMessage(this.state, message, this.about);
      if (message.event["detail-type"] === "PosterCreated") this.#posterAt = Date.now();
      const video = viewOfEvent(message.event);
      if (video !== undefined) this.#arrived.add(video.VideoId);
      this.#announce(video);
      const segment = segmentOfEvent(message.event);
      if (segment !== undefined && this.#segments.has(segment.parent_video))
        this.#addSegments(segment.parent_video, [segment]);
    }
    this.changed();
  };

  /** Documents follow their events: what an answer didn't have yet is there now. */
  #loadSoon(): void {
    if (this.#isLoadDue) return;
    this.#isLoadDue = true;
    setTimeout(() => {
      this.#isLoadDue = false;
      if (Date.now() - this.#posterAt < POSTER_MS) this.counts.poster += 1;
      if (this.connection === "online") void this.load();
    }, RELOAD_MS);
  }

  #announce(video: VideoView | undefined): void {
    if (video === undefined) return;
    const says = { processing: "is being split", split: "is split", rejected: "was rejected" }[video.status];
    this.announcement = `${video.name} ${says}`;
  }
}
