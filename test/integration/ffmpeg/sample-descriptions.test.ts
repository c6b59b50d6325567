import { describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { decodedFrames } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { makeTwoDescriptions } from "../../fixtures/two-descriptions.ts";

const HIGH = ["-preset", "veryfast", "-profile:v", "high", "-g", "10", "-keyint_min", "10", "-sc_threshold", "0"];
const BASELINE = ["-preset", "ultrafast", "-profile:v", "baseline", "-g", "10", "-keyint_min", "10"];

const halves = [
  { seconds: 2, options: HIGH },
  { seconds: 2, options: BASELINE },
];

describe("a video whose sample description changes", () => {
  it.each<["exact" | "keyframe", number, string[]]>([
    // The change is at a boundary: both segments are copied.
    ["exact", 2, ["copied", "copied"]],
    ["keyframe", 2, ["copied", "copied"]],
    // It's in the second segment: only the longer half can be copied.
    ["keyframe", 1.3, ["copied", "stitched", "copied"]],
    ["exact", 1.3, ["copied", "stitched", "stitched"]],
    // It's in the only segment.
    ["exact", 10, ["stitched"]],
  ])("%s, %s s: every frame decodes from its segment alone", async (cut, segmentSeconds, made) => {
    const path = await makeTwoDescriptions(await temporaryFolder(), halves);
    const { segments, warnings } = await cutFile(path, { cut, segmentSeconds, directory: await temporaryFolder() });
    expect(warnings).toEqual([]);
    expect(segments.map((segment) => segment.made)).toEqual(made);
    const [source = [], ...decoded] = await decodedFrames(path, ...segments.map((segment) => segment.path));
    const frames = decoded.flat();
    expect(frames).toHaveLength(100);
    const same = frames.filter((frame, at) => frame === source[at]).length;
    expect(same).toBe(segments.reduce((sum, { proof }) => sum + proof.copiedFrames, 0));
  });
});
