import { describe, expect, it } from "vitest";
import { contractCases, parseEvent, type VideoSplitEvent } from "#events-schema";
import { sha256 } from "../../../services/aws/ledger.ts";
import type { Stretch } from "../../../services/poster/domain/stretches.ts";
import { makePoster } from "../../../services/poster/make-poster.ts";
import type { Picture } from "../../../services/poster/ports/pictures.ts";
import { uploadEventId } from "../../../services/video/ids.ts";
import { fakePublisher } from "../../fakes/event-publisher.ts";
import { fakeLog } from "../../fakes/log.ts";
import { fakeSegmentStore } from "../../fakes/segment-store.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { announced, posterData, segmentData } from "../projector/events-of-a-run.ts";

const segment = announced("SegmentCreated", 200, segmentData(0));
const { bucket, key } = segment.data;
const poster = posterData(0);

const picture: Picture = { jpeg: Buffer.from("a picture"), size: [640, 360] };

/**
 * The world of the function. `shown`: for each stretch, in the order of trying, whether it has a
 * picture.
 */
function openWorld(shown: boolean[] = [true]) {
  const segments = fakeSegmentStore();
  const events = fakePublisher();
  const log = fakeLog();
  const tried: Stretch[] = [];
  let open = 0;
  let ms = Date.UTC(2026, 0, 1);
  segments.put(bucket, key, Buffer.from("a segment"));
  const dependencies = {
    store: segments.store,
    pictures: {
      open: async () => {
        open += 1;
        return {
          picture: async (stretch: Stretch) => (shown[tried.push(stretch) - 1] ? picture : undefined),
          close: async () => {
            open -= 1;
          },
        };
      },
    },
    events,
    log,
    hash: sha256,
    now: () => {
      ms += 1_000;
      return new Date(ms);
    },
  };
  const pictureAt = async (at: string): Promise<string | undefined> => {
    const found = await segments.store.find(bucket, at, NEVER);
    return found && Buffer.concat(await Array.fromAsync(found.read(0, found.bytes - 1, NEVER))).toString();
  };
  return {
    ...{ segments, events, log, tried, dependencies, pictureAt },
    make: (one = segment) => makePoster(one.data, one.metadata, dependencies, NEVER),
    opened: () => open,
  };
}

describe("a segment's poster", () => {
  it("is beside the segment, and announced with the ids that follow from it", async () => {
    const { make, pictureAt, events, opened } = openWorld();
    expect(await make()).toEqual({ outcome: "made", key: poster.key });
    expect(await pictureAt(poster.key)).toBe("a picture");
    const [event] = events.events as VideoSplitEvent<"PosterCreated">[];
    expect(event?.data).toEqual(poster);
    expect(event?.metadata).toMatchObject({
      correlationId: segment.metadata.correlationId,
      causationId: segment.metadata.eventId,
      eventId: uploadEventId(segment.metadata.correlationId, { type: "PosterCreated", data: poster }, sha256),
    });
    expect(opened()).toBe(0);
  });

  it("given the segment is announced again, then the same picture and the same event again", async () => {
    const { make, events } = openWorld([true, true]);
    await make();
    await make();
    const [first, second] = events.events;
    expect(events.events).toHaveLength(2);
    expect(second).toEqual({ ...first, metadata: { ...first!.metadata, occurredAt: second!.metadata.occurredAt } });
  });

  it("is of the segment's middle, and given that is black, of another part", async () => {
    const { make, tried } = openWorld([false, false, true]);
    expect(await make()).toMatchObject({ outcome: "made" });
    expect(tried.map(({ from, mayBeBlack }) => [from, mayBeBlack])).toEqual([
      [15, false],
      [7.5, false],
      [22.5, false],
    ]);
  });

  it("given nothing else is found, then may be of many frames from the start, and at last black", async () => {
    const { make, tried } = openWorld([false, false, false, false, true]);
    expect(await make()).toMatchObject({ outcome: "made" });
    expect(tried.slice(3)).toEqual([
      { from: 0, frames: 900, mayBeBlack: false },
      { from: 0, frames: 30, mayBeBlack: true },
    ]);
  });

  it("given no frame can be decoded, then there is none, and no event, and no retry", async () => {
    const { make, events, log, opened, pictureAt } = openWorld([]);
    expect(await make()).toEqual({ outcome: "skipped", why: "undecodable" });
    expect(events.events).toEqual([]);
    expect(log.lines).toMatchObject([{ level: "WARN" }]);
    expect(await pictureAt(poster.key)).toBeUndefined();
    expect(opened()).toBe(0);
  });

  it("given the segment was deleted, then there is none", async () => {
    const { make, segments, tried } = openWorld();
    segments.remove(bucket, key);
    expect(await make()).toEqual({ outcome: "skipped", why: "gone" });
    expect(tried).toEqual([]);
  });

  it.each(contractCases("SegmentCreated"))("takes what the contract allows: $says", async ({ event }) => {
    const { data, metadata } = parseEvent(event) as VideoSplitEvent<"SegmentCreated">;
    const { make, segments } = openWorld();
    segments.put(data.bucket, data.key, Buffer.from("a segment"));
    expect(await make({ ...segment, data, metadata })).toMatchObject({ outcome: "made" });
  });

  it.each([
    { key: "secret.jpg", extension: "jpg" },
    { key: "secret", extension: "" },
    { key: "secret.mp4", extension: "mkv" },
  ])("given $key of extension $extension, then it throws, and writes nothing", async (forged) => {
    const { make, segments, events } = openWorld();
    segments.put(bucket, forged.key, Buffer.from("a secret"));
    await expect(make({ ...segment, data: { ...segment.data, ...forged } })).rejects.toThrow(/isn't a segment's/);
    expect(events.events).toEqual([]);
  });

  it("given the picture can't be written, then it throws, and nothing is announced", async () => {
    const { dependencies, events } = openWorld();
    const writePicture = () => Promise.reject(new Error("503 SlowDown"));
    const failing = { ...dependencies, store: { ...dependencies.store, writePicture } };
    await expect(makePoster(segment.data, segment.metadata, failing, NEVER)).rejects.toThrow("503 SlowDown");
    expect(events.events).toEqual([]);
  });

  it("given the segment can't be read, then it throws, and lets go of it", async () => {
    const { dependencies, opened } = openWorld();
    const pictures = {
      open: async () => {
        const inner = await dependencies.pictures.open();
        return { ...inner, picture: () => Promise.reject(new Error("S3 failed")) };
      },
    };
    await expect(makePoster(segment.data, segment.metadata, { ...dependencies, pictures }, NEVER)).rejects.toThrow();
    expect(opened()).toBe(0);
  });
});
