import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchBurst } from "./burst.ts";
import { benchCut } from "./cut.ts";
import { benchReads } from "./reads.ts";
import { benchReplay } from "./replay.ts";

const HELP = `npm run bench -- cut [VIDEO...] [--seconds 10,30] [--runs 1] [--minutes 10]

Cuts each video exactly and on keyframes, each with its proof, beside their rivals in the same run: encoding it all again
with the same encoder settings, and plain "ffmpeg -f segment -c copy". Without VIDEO: 10 minutes of 1080p with a keyframe
every 250 frames, and every 60, are made. Ratios, not seconds, are what to quote: machines differ and are shared.

npm run bench -- reads [VIDEO...] [--megabytes 100]

Counts the GETs and the bytes that both cuts of each video ask S3 for, its description and its index included. Without VIDEO: one
video of a minute, of so many MB, is made in each container and layout.

npm run bench -- burst [--uploads 200] [--from FOLDER]

Uploads so many small videos at once (those of FOLDER in turn, or made ones) to a local stack that splits four at a time, and checks every document.

npm run bench -- replay [--events 10000]

Projects so many events, deletes the table, replays the log and compares the documents to the byte.
`;

const option = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};

const [what = "", ...words] = process.argv.slice(2);
const videos = words.filter((word, at) => !word.startsWith("--") && !words[at - 1]?.startsWith("--"));

const benches: Record<string, (folder: string) => Promise<void>> = {
  cut: (folder) => {
    const seconds = option("--seconds", "10,30").split(",").map(Number);
    const minutes = Number(option("--minutes", "10"));
    return benchCut({ videos, folder, seconds, minutes, runs: Number(option("--runs", "1")) });
  },
  reads: (folder) => benchReads({ videos, folder, megabytes: Number(option("--megabytes", "100")) }),
  burst: (temporary) =>
    benchBurst({ uploads: Number(option("--uploads", "200")), folder: option("--from", ""), temporary }),
  replay: () => benchReplay(Number(option("--events", "10000"))),
};

const bench = benches[what];
if (bench === undefined) {
  process.stderr.write(HELP);
  process.exit(what === "--help" ? 0 : 1);
}
const folder = mkdtempSync(join(tmpdir(), "video-split-bench-"));
try {
  await bench(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
