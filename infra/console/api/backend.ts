import type {
  About,
  Addresses,
  BusName,
  DeadLetterView,
  Events,
  Faults,
  Keyframes,
  Message,
  Redriven,
  Replayed,
  Segments,
  UploadAddress,
  UploadRequest,
  Videos,
} from "./types.ts";

/** A request that can't be met. `message` is for a person; `status` is HTTP's. */
export class ConsoleError extends Error {
  override name = "ConsoleError";
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/**
 * Where the console's data comes from: the local stack, or a deployed stage. What a backend can't
 * do is false in `about().can`, and throws `ConsoleError` 404.
 */
export type Backend = {
  about(): Promise<About>;
  /** `before`: a VideoId; only older videos. */
  videos(options: { before?: number | undefined; limit: number }): Promise<Videos>;
  /** Segments from index `from` on. */
  segments(videoId: number, options: { from: number; limit: number }): Promise<Segments>;
  /** The item of a document; undefined where there is none. */
  document(videoId: number): Promise<Record<string, unknown> | undefined>;
  /** Of an upload's source. */
  keyframes(videoId: number, signal: AbortSignal): Promise<Keyframes>;
  /** Of documents' objects only, by VideoId. Others are left out. */
  addresses(videoIds: readonly number[]): Promise<Addresses>;
  uploadAddress(request: UploadRequest): Promise<UploadAddress>;
  /** `matches`: of the pattern. `before`: an event's id; only older events. */
  events(options: {
    bus: BusName;
    matches: (event: unknown) => boolean;
    before?: string | undefined;
    limit: number;
  }): Promise<Events>;
  /** Replays the log to the projector, from this time on. */
  replay(from: Date, signal: AbortSignal): Promise<Replayed>;
  deadLetters(signal: AbortSignal): Promise<DeadLetterView[]>;
  /** Redrives these dead letters, or all. */
  redrive(ids: readonly string[] | undefined, signal: AbortSignal): Promise<Redriven[]>;
  /** Requests a split of an object that is in S3. */
  request(place: { bucket: string; key: string }, signal: AbortSignal): Promise<void>;
  faults(): Faults;
  switchFaults(names: readonly string[]): Faults;
  /** Sends what happens from now on. Returns a function that ends it. */
  listen(send: (message: Message) => void): () => void;
};
