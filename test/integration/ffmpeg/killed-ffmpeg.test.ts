import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CutOptions, cutFile } from "../../fixtures/cut.ts";
import { binaries, makeMedia, type Trait } from "../../fixtures/media.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** A description of each segment; not its bytes, because Matroska has random ids. */
async function segmentsOf(path: string, options: Omit<CutOptions, "directory">) {
  const { segments, ending } = await cutFile(path, { ...options, directory: await temporaryFolder() });
  expect(ending).toEqual({ type: "complete" });
  return segments.map(({ index, made, bytes, proof }) => ({ index, made, bytes, proof }));
}

describe("the first ffmpeg that reads the source is killed, as for lack of memory", () => {
  const traits: Trait[] = ["b-frames.mp4", "transport-stream.ts", "matroska.mkv"];
  const cuts = ["exact", "keyframe"] as const;
  const cases = traits.flatMap((trait) => cuts.map((cut) => ({ trait, cut })));
  for (const [number, { trait, cut }] of cases.entries())
    it(`${trait}, ${cut}: the attempt throws, and a retry copies and stitches the same`, {
      tags: number === 0 ? [] : ["full"],
    }, async () => {
      const path = await makeMedia(await temporaryFolder(), trait);
      const options = { cut, segmentSeconds: 1.5 };
      const calm = await segmentsOf(path, options);

      const folder = await temporaryFolder();
      const killed = join(folder, "killed");
      const killing = `if [ ! -e '${killed}' ]; then touch '${killed}'; kill -9 $$; fi`;
      const script = `case "$*" in *"-i http://source.invalid"*) ${killing};; esac\nexec '${(await binaries).ffmpeg}' "$@"`;
      const killOnce = { ...options, standIn: await standIn(folder, script) };
      await expect(segmentsOf(path, killOnce)).rejects.toMatchObject({ code: "ProcessKilled", retryable: true });
      expect(existsSync(killed)).toBe(true);
      expect(await segmentsOf(path, killOnce)).toEqual(calm);
    });
});
