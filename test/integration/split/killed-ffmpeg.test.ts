import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import { ffmpeg } from "../../fixtures/media.ts";
import { openLedger, split } from "../../fixtures/split-world.ts";
import { ffmpegAfter } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const segments = (events: readonly VideoSplitEvent[]) =>
  events
    .flatMap((event) => (event.type === "SegmentCreated" ? [event.data] : []))
    .sort((one, other) => one.segment_index - other.segment_index);
const ended = (events: readonly VideoSplitEvent[]) => events.find(({ type }) => type === "VideoSplit")?.data;

/** More processes than one split of the video below has. */
const MAX_PROCESSES = 40;

it("each ffmpeg of a split, killed as by the OOM killer: a retry, which copies and stitches as it would have", {
  tags: "full",
  timeout: 300_000,
}, async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "film.mp4");
  const video = ["-f", "lavfi", "-i", "testsrc2=duration=4:size=160x90:rate=25"];
  const audio = ["-f", "lavfi", "-i", "sine=duration=4", "-c:a", "aac"];
  await ffmpeg(...video, ...audio, "-c:v", "libx264", "-preset", "ultrafast", "-g", "70", "-bf", "2", file);
  const options = { file, request: { cut: "exact" as const, segmentSeconds: 2 } };
  const calm = await split(options);
  expect(segments(calm.events).map(({ made }) => made)).toContain("stitched");

  let kills = 0;
  for (let nth = 1; nth <= MAX_PROCESSES; nth += 1) {
    const runs = join(folder, `runs-${nth}`);
    await mkdir(runs);
    // Each process leaves a file; the one that makes the nth is killed.
    const kill = `mktemp ${runs}/XXXXXX > /dev/null; [ $(ls ${runs} | wc -l) = ${nth} ] && kill -9 $$`;
    const ledger = openLedger();
    const killed = await split({ ...options, ledger, ffmpeg: await ffmpegAfter(folder, kill, `kills-${nth}`) });
    if ((await readdir(runs)).length < nth) break;
    kills += 1;
    expect(killed.types, `kill ${nth}`).not.toContain("VideoRejected");
    const retry = await split({ ...options, ledger });
    // The end of a process that wasn't needed any more isn't noticed.
    const events = killed.types.includes("VideoSplit") ? killed.events : [...killed.events, ...retry.events];
    expect(segments(events), `kill ${nth}`).toEqual(segments(calm.events));
    expect(ended(events), `kill ${nth}`).toEqual(ended(calm.events));
    expect(killed.left).toEqual([]);
  }
  expect(kills).toBeGreaterThan(5);
  expect(kills).toBeLessThan(MAX_PROCESSES);
});
