import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchCut } from "./cut.ts";

const HELP = `npm run bench -- cut [VIDEO...] [--seconds 10,30] [--runs 1] [--minutes 10]

Cuts each video exactly and on keyframes, each with its proof, beside their rivals in the same run: encoding it all again
with the same encoder settings, and plain "ffmpeg -f segment -c copy". Without VIDEO: 10 minutes of 1080p with a keyframe
every 250 frames, and every 60, are made. Ratios, not seconds, are what to quote: machines differ and are shared.
`;

const option = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};

const [what, ...words] = process.argv.slice(2);
if (what !== "cut") {
  process.stderr.write(HELP);
  process.exit(what === "--help" ? 0 : 1);
}
const videos = words.filter((word, at) => !word.startsWith("--") && !words[at - 1]?.startsWith("--"));
const folder = mkdtempSync(join(tmpdir(), "video-split-bench-"));
try {
  const seconds = option("--seconds", "10,30").split(",").map(Number);
  await benchCut({
    videos,
    folder,
    seconds,
    minutes: Number(option("--minutes", "10")),
    runs: Number(option("--runs", "1")),
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
