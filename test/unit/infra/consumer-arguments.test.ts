import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventTypes } from "#events-schema";
import { consumersOf } from "../../../infra/local/commands/consumer-arguments.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";

const HANDLER = "services/poster/handler.ts";
const consumers = (consume: string[], forward: string[] = []) => consumersOf({ consume, forward }, PROJECT_ROOT);

describe("consumers on the command line of start", () => {
  it("are none by default", () => expect(consumersOf({}, PROJECT_ROOT)).toEqual([]));

  it("name their events, and a file by its path from here", () => {
    expect(consumers([`SegmentCreated,VideoSplit=${HANDLER}`, `SegmentCreated=${HANDLER}#other`])).toEqual([
      {
        name: "consume-poster-handler",
        events: ["SegmentCreated", "VideoSplit"],
        handler: join(PROJECT_ROOT, "services/poster/handler.handler"),
        environment: {},
      },
      expect.objectContaining({
        name: "consume-poster-handler-2",
        handler: join(PROJECT_ROOT, "services/poster/handler.other"),
      }),
    ]);
  });

  it("may be addresses, of some events or of all", () => {
    const url = "http://127.0.0.1:3000/events?a=b";
    expect(consumers([], [url, `VideoRejected=${url}`])).toMatchObject([
      { name: "forward-127-0-0-1-3000", events: eventTypes, environment: { FORWARD_URL: url } },
      { name: "forward-127-0-0-1-3000-2", events: ["VideoRejected"], environment: { FORWARD_URL: url } },
    ]);
  });

  it.each<[string[], string[], RegExp]>([
    [["src/handler.ts"], [], /--consume is "src\/handler\.ts"; it must be EVENT=FILE/],
    [[`SegmentMade=${HANDLER}`], [], /"SegmentMade", which is no event\. There are SplitRequested, /],
    [["SegmentCreated=handler.py"], [], /"handler\.py".*For another language: --forward URL/],
    [["SegmentCreated=missing/handler.ts"], [], /"missing\/handler\.ts", which isn't there: \//],
    [[], ["localhost:3000"], /--forward is "localhost:3000"; it must be an address/],
    [[], ["file:///etc/passwd"], /it must be an address/],
    [[], ["SegmentMade=http://127.0.0.1"], /which is no event/],
  ])("given %j and %j, then say what is wrong", (consume, forward, message) => {
    expect(() => consumers(consume, forward)).toThrow(message);
  });
});
