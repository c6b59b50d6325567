import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { openOnce } from "../../../services/video/open-once.ts";
import { objectNameFault } from "../../../services/video/source.ts";
import type { BusEvent } from "../../emulator/events/index.ts";
import { FAULT_SWITCHES, type FaultSwitches, faultSwitches } from "../../local/fault-switches.ts";
import type { Stack } from "../../local/stack.ts";
import { openDeployment } from "../../operations/deployment.ts";
import { replayLog } from "../../operations/replay.ts";
import type { Settings } from "../../settings.ts";
import { type Backend, ConsoleError } from "../api/backend.ts";
import { videosOf } from "../api/documents.ts";
import { operations, SIGNED_SECONDS, signWith } from "../api/operate.ts";
import type { About, BusName, EventView, Faults, Message, UploadRequest } from "../api/types.ts";
import { LogIndex } from "./log-index.ts";

export type LocalBackendOptions = {
  stack: Stack;
  settings: Settings;
  /** Undefined where the stack has none. */
  faults: FaultSwitches | undefined;
};

/** A backend, and what the stack reports to it. */
export type LocalBackend = Backend & { faultHappened(fault: string): void; deadLetterCame(): void };

/** Events of the log that are read without a pause. */
const EVENTS_AT_ONCE = 200;

/** How many names are tried for an upload whose name is taken. */
const MAX_NAMES = 1_000;

/** "a/b.mp4" as "a/b (2).mp4". */
const numbered = (name: string, n: number): string =>
  n === 1 ? name : name.replace(/(\.[^./]*)?$/, (extension) => ` (${n})${extension}`);

/** The console of the local stack that runs in this process. */
export function localBackend({ stack, settings, faults }: LocalBackendOptions): LocalBackend {
  const { bridge, names, region, endpoint, uploadPrefix } = stack;
  const where = { port: new URL(endpoint).port };
  // Opened by the first request: the stack has to serve its own clients first.
  const deployed = openOnce(() => openDeployment(where));
  const uploads = { bucket: names.uploads, prefix: uploadPrefix };
  const extensions = settings["video_split.accepted_extensions"];
  const listeners = new Set<(message: Message) => void>();
  const send = (message: Message): void => {
    for (const listener of listeners) listener(message);
  };
  const nameOfBus = (bus: string): BusName | undefined =>
    bus === names.bus ? "video" : bus === "default" ? "default" : undefined;

  const index = new LogIndex(uploads, extensions);
  bridge.onEvent((busName, event) => {
    const bus = nameOfBus(busName);
    if (bus === undefined) return;
    index.add(bus, event);
    send({ type: "event", bus, event });
  });
  bridge.onDelivered(() => send({ type: "documents" }));

  async function* log(bus: BusName): AsyncGenerator<BusEvent> {
    let count = 0;
    for await (const event of bridge.log(bus === "video" ? names.bus : "default")) {
      yield event;
      count += 1;
      if (count % EVENTS_AT_ONCE === 0) await new Promise(setImmediate);
    }
  }
  const indexed = openOnce(async () => {
    for await (const event of log("video")) index.add("video", event);
    for await (const event of log("default")) index.add("default", event);
  });

  const about = async (): Promise<About> => ({
    where: "local",
    name: "local",
    region,
    bus: names.bus,
    table: names.videos,
    uploads,
    defaults: {
      segmentSeconds: settings["video_split.output_files_duration_in_sec"],
      cut: settings["video_split.cut"],
    },
    extensions: [...extensions],
    can: { upload: true, events: true, faults: faults !== undefined },
  });

  /** A path of this origin: the page may know the stack by another name than 127.0.0.1. */
  const pathOf = (url: string): string => {
    const { pathname, search } = new URL(url);
    return pathname + search;
  };

  /** Keys of addresses that were given to a page, whose object may not be stored yet. */
  const promised = new Set<string>();

  /** The first of "name", "name (2)" and so on that no object has, nor will have. */
  const freeKey = async (name: string): Promise<string> => {
    const { s3 } = await deployed();
    for (let n = 1; n <= MAX_NAMES; n += 1) {
      const key = uploadPrefix + numbered(name, n);
      const fault = objectNameFault(uploads.bucket, key);
      if (fault !== undefined) throw new ConsoleError(400, `${fault}. Rename the file`);
      if (promised.has(key)) continue;
      promised.add(key);
      const head = new HeadObjectCommand({ Bucket: uploads.bucket, Key: key });
      const isFree = await s3.send(head).then(
        () => false,
        (error: Error) => {
          if (error.name === "NotFound") return true;
          promised.delete(key);
          throw error;
        },
      );
      if (isFree) {
        setTimeout(() => promised.delete(key), SIGNED_SECONDS * 1_000).unref();
        return key;
      }
      promised.delete(key);
    }
    throw new ConsoleError(409, `${MAX_NAMES} uploads have the name ${name}. Rename the file`);
  };

  const uploadAddress = async ({ name, segmentSeconds, cut }: UploadRequest) => {
    const key = await freeKey(name);
    const metadata = {
      ...(segmentSeconds === undefined ? {} : { "segment-seconds": String(segmentSeconds) }),
      ...(cut === undefined ? {} : { cut }),
    };
    const headers = Object.fromEntries(Object.entries(metadata).map(([each, value]) => [`x-amz-meta-${each}`, value]));
    const put = new PutObjectCommand({ Bucket: uploads.bucket, Key: key, Metadata: metadata });
    const unhoistableHeaders = new Set(Object.keys(headers));
    const { s3 } = await deployed();
    const url = await getSignedUrl(s3, put, { expiresIn: SIGNED_SECONDS, unhoistableHeaders });
    return { bucket: uploads.bucket, key, url: pathOf(url), headers };
  };

  const requireFaults = (): FaultSwitches => {
    if (faults === undefined) throw new ConsoleError(404, "This stack injects no faults");
    return faults;
  };
  const faultsView = (): Faults => {
    const { on, seeded } = requireFaults();
    const switches = faultSwitches.map((name) => ({ name, does: FAULT_SWITCHES[name].does, on: on().includes(name) }));
    return { switches, seeded: [...seeded] };
  };

  return {
    ...operations(where, deployed, ({ s3 }) => {
      const sign = signWith(s3);
      return async (place) => pathOf(await sign(place));
    }),
    about,
    videos: async ({ before, limit }) => {
      await indexed();
      const ids = index.idsBefore(before);
      const { documents: client, table } = await deployed();
      const videos = await videosOf({ client, table }, ids.slice(0, limit));
      const waiting = before === undefined ? index.waiting() : [];
      return { videos: videos.map((video) => index.withPlan(video)), waiting, more: ids.length > limit };
    },
    uploadAddress,
    events: async ({ bus, matches, before, limit }) => {
      // The last ones that match, of those before `before`.
      const found: EventView[] = [];
      let more = false;
      for await (const event of log(bus)) {
        if (event.id === before) break;
        if (!matches(event)) continue;
        found.push(event);
        if (found.length <= limit) continue;
        found.shift();
        more = true;
      }
      return { events: found.reverse(), more };
    },
    replay: async (from, signal) => {
      const span = { from, to: new Date() };
      const { before, after, added, changed, seconds } = await replayLog(await deployed(), span, () => {}, signal);
      return { before, after, added, changed, seconds };
    },
    faults: faultsView,
    switchFaults: (wanted) => {
      requireFaults().switchTo(faultSwitches.filter((name) => wanted.includes(name)));
      return faultsView();
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    faultHappened: (fault) => send({ type: "fault", fault, time: new Date().toISOString() }),
    deadLetterCame: () => send({ type: "deadLetter" }),
  };
}
