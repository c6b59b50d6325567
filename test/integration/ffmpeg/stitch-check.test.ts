import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { behind, replacing, withValue } from "../../fixtures/arguments.ts";
import { cutFile } from "../../fixtures/cut.ts";
import { makeStitchable } from "../../fixtures/exact-cut.ts";
import { binaries } from "../../fixtures/media.ts";
import { ffmpegAfter, where } from "../../fixtures/stand-in.ts";
import { sharedFolder, temporaryFolder } from "../../fixtures/temporary.ts";

/** Faults of the encoded frames at a boundary, after which the segment is encoded. */

const folder = sharedFolder();
const source = folder.then(makeStitchable);
const { ffmpeg } = await binaries;
afterAll(async () => rm(await folder, { recursive: true, force: true }));

/** Does this in the ffmpeg that decodes the frames at a boundary. */
const inCheck = (then: string): string => where("-vsync passthrough -c:v wrapped_avframe -f framecrc", then);
/** Does this in the ffmpeg that encodes them. */
const inEncoder = (then: string): string => where("-noautorotate -f mp4 -i pipe:0", then);

type Fault = { name: string; script: (marker: string) => string; from: number; error: RegExp; tags?: "full" };

const FAULTS: Fault[] = [
  // The first segment has only a tail.
  {
    name: "the decoder reports something about its last frames",
    script: () => inCheck('echo "reference is missing" >&2'),
    from: 0,
    error: /the decoder reports errors in the encoded frames at a boundary: reference is missing/,
  },
  {
    name: "the decoder fails",
    script: () => inCheck(`'${ffmpeg}' "$@"; exit 1`),
    from: 0,
    error: /the encoded frames at a boundary can't be decoded/,
    tags: "full",
  },
  {
    name: "fewer frames can be decoded",
    script: () => inCheck(behind("wrapped_avframe", "-frames:v", "1")),
    from: 0,
    tags: "full",
    error: /1 of at least \d+ encoded frames at a boundary can be decoded/,
  },
  {
    name: "its encoded frames don't begin with an IDR picture",
    script: () => inEncoder(withValue("-force_key_frames", "9999")),
    from: 1,
    error: /an encoded run doesn't begin with an IDR picture/,
  },
  {
    name: "its first and last frames need different parameter sets",
    script: (marker) =>
      inEncoder(`if [ -e '${marker}' ]; then ${replacing("sps-id=31:", "sps-id=31:cabac=0:")}; fi; touch '${marker}'`),
    from: 1,
    error: /the head and tail of a segment have different decoder configurations/,
  },
];

describe("a segment is encoded where", () => {
  for (const { name, script, from, error, tags = [] } of FAULTS)
    it(name, { tags }, async () => {
      const directory = join(await temporaryFolder(), "segments");
      await mkdir(directory);
      const tools = await temporaryFolder();
      const standIn = await ffmpegAfter(tools, script(join(tools, "marker")), "faulty-ffmpeg");
      const { segments, warnings } = await cutFile(await source, {
        ...{ cut: "exact", segmentSeconds: 1.5, directory, standIn },
      });
      expect(warnings[0]).toMatch(new RegExp(`^Falling back to re-encoding .*"from_segment":${from}`));
      expect(warnings[0]).toMatch(error);
      expect(segments[from]!.made).toBe("encoded");
      expect(segments.reduce((sum, { proof }) => sum + proof.frames, 0)).toBe(150);
    });
});
