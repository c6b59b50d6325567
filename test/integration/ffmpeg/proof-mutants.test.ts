import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { binaries, ffmpeg } from "../../fixtures/media.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** What a faulty ffmpeg removes from a segment without moving packets: the proof must detect it. */

const SEGMENT_SECONDS = 0.7;

let folder: string;
let hdr: string;
let unstitchable: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-mutants-"));
  hdr = join(folder, "hdr.mp4");
  unstitchable = join(folder, "mpeg4.mkv");
  const video = ["-f", "lavfi", "-i", "testsrc2=duration=2:size=160x90:rate=25"];
  const mastered = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,500)";
  const x265 = `log-level=error:keyint=25:repeat-headers=1:max-cll=1000,400:${mastered}`;
  const pq = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"];
  const hevc = ["-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", x265, ...pq];
  await ffmpeg(...video, ...hevc, "-tag:v", "hvc1", hdr);
  await ffmpeg(...video, "-c:v", "mpeg4", "-q:v", "3", unstitchable);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An ffmpeg that rewrites each segment with the first of these options that its codec allows. */
async function rewriting(...options: string[]): Promise<string> {
  const { ffmpeg: binary } = await binaries;
  const again = options.map((some) => `'${binary}' -v error -y -i "$out" -copyts -c copy ${some} "$new" 2>/dev/null`);
  const find = 'for out in "$@"; do :; done; new="$out.new.$' + '{out##*.}"';
  const write = `${find}; '${binary}' "$@" && { ${again.join(" || ")}; } && mv "$new" "$out"; exit $?`;
  return standIn(await temporaryFolder(), `case "$*" in *-output_ts_offset*) ${write};; esac\nexec '${binary}' "$@"`);
}

const MUTANTS: Record<string, [source: () => string, error: RegExp, ...options: string[]]> = {
  "how it was mastered": [
    () => hdr,
    /lost the source's Mastering display/,
    "-bsf:v filter_units=remove_types=39",
    "-bsf:v filter_units=remove_types=6",
  ],
  "its transfer": [
    () => hdr,
    /color_transfer is bt709; the source's is smpte2084/,
    "-bsf:v hevc_metadata=transfer_characteristics=1",
    "-bsf:v h264_metadata=transfer_characteristics=1",
  ],
  "its size": [() => unstitchable, /size is 80 x 46; the source's is 160 x 90/, "-c:v mpeg4 -q:v 3 -vf scale=80:46"],
};

/** Segments that each source has without a fault: it's cut once. */
const wholes = new Map<string, Promise<number>>();

async function countSegments(source: string): Promise<number> {
  const cut = { cut: "exact", segmentSeconds: SEGMENT_SECONDS, directory: await temporaryFolder() } as const;
  return (await cutFile(source, cut)).segments.length;
}

/** Their source takes longer to make and to cut. */
const FULL = ["its transfer", "how it was mastered"];

describe("the proof fails for a segment that has lost", () => {
  for (const [name, [source, error, ...options]] of Object.entries(MUTANTS))
    it(name, { tags: FULL.includes(name) ? "full" : [] }, async () => {
      const directory = await temporaryFolder();
      const cut = { cut: "exact", segmentSeconds: SEGMENT_SECONDS, directory } as const;
      await expect(cutFile(source(), { ...cut, standIn: await rewriting(...options) })).rejects.toThrow(error);
      const whole = wholes.get(source()) ?? countSegments(source());
      wholes.set(source(), whole);
      expect(await whole).toBe(3);
    });
});
