import { mkdtemp } from "node:fs/promises";
import { cutFile } from "./fixtures/cut.ts";
import { ffprobe } from "./fixtures/media.ts";

const directory = await mkdtemp("/tmp/dec/out-");
const [file, cut, seconds] = process.argv.slice(2);
const r = await cutFile(file!, { cut: cut as never, segmentSeconds: Number(seconds), directory });
console.log(
  r.warnings,
  r.plan.duration,
  r.plan.origin,
  r.plan.segments.map((s) => [s.start, s.end]),
);
for (const s of r.segments) {
  console.log(s.made, s.proof);
  console.log(
    (
      await ffprobe(
        "-select_streams",
        "v:0",
        "-show_entries",
        "packet=pts_time,duration_time,flags",
        "-of",
        "csv=p=0",
        s.path,
      )
    )
      .split("\n")
      .slice(-6)
      .join(" "),
  );
}
