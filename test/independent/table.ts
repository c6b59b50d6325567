import { basename } from "node:path";
import type { Input } from "./inputs.ts";
import type { Report } from "./report.ts";
import { psnrFigures } from "./video-check.ts";

export type Row = Input & { seconds: number; report: Report; took: number };

type Column = { title: string; width: number; of: (row: Row) => string };

const decibels = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? "-" : value === Number.POSITIVE_INFINITY ? "inf" : value.toFixed(1);

/** The largest value of all tracks, in milliseconds. */
const most = (row: Row, of: (track: Report["audio"][number]) => number): string =>
  row.report.audio.length === 0 ? "-" : (1000 * Math.max(0, ...row.report.audio.map(of))).toFixed(1);

const WAYS = ["copied", "anchored", "stitched", "encoded"];

const number = (title: string, width: number, of: (row: Row) => number | string): Column => ({
  title: title.padStart(width),
  width,
  of: (row) => String(of(row)).padStart(width),
});

const COLUMNS: readonly Column[] = [
  { title: "file", width: 44, of: ({ path }) => basename(path).slice(0, 44) },
  { title: "cut", width: 8, of: ({ cut }) => cut },
  number("X", 4, ({ seconds }) => seconds),
  { title: "outcome", width: 8, of: ({ report }) => report.outcome },
  { title: "c/a/s/e", width: 11, of: ({ report }) => WAYS.map((way) => report.made[way] ?? 0).join("/") },
  number("source", 6, ({ report }) => report.frames.source),
  number("held", 6, ({ report }) => report.frames.segments),
  number("miss", 5, ({ report }) => report.frames.missing),
  number("dbl", 4, ({ report }) => report.frames.doubled + report.frames.extra),
  number("undec", 5, ({ report }) => report.frames.undecodable),
  number("least", 6, ({ report }) => decibels(report.psnr?.least)),
  number("p1", 6, ({ report }) => decibels(report.psnr?.percentile1)),
  number("mean", 6, ({ report }) => decibels(report.psnr?.mean)),
  number("<45", 5, ({ report }) => report.psnr?.below ?? "-"),
  number("gap", 8, (row) => most(row, ({ gaps }) => Math.max(0, ...gaps))),
  number("overlap", 8, (row) => most(row, ({ overlaps }) => Math.max(0, ...overlaps))),
  number("lost", 9, (row) => most(row, ({ lost }) => lost)),
  number("meta", 4, ({ report }) => report.metadata.length),
  number("evt", 4, ({ report }) => report.events.length),
  {
    title: "verdict",
    width: 0,
    of: ({ report }) => {
      const notes = report.notes.length === 0 ? "" : ` (${report.notes.join("; ")})`;
      return `${report.faults.length === 0 ? "OK" : report.faults.join("; ")}${notes}`;
    },
  },
];

export const LEGEND = [
  "c/a/s/e: segments copied, anchored, stitched, encoded. source, held: decoded frames. dbl: doubled, or not in the source.",
  "least, p1, mean: PSNR in dB of frames that differ from the source's. hole, overlap: the largest, lost: in all; in ms of audio.",
].join("\n");

export const header = (): string => COLUMNS.map(({ title, width }) => title.padEnd(width)).join(" ");

export const line = (row: Row): string => COLUMNS.map(({ of, width }) => of(row).padEnd(width)).join(" ");

/** Over the frames of all rows. */
function videoQuality(rows: readonly Row[]): string {
  const figures = psnrFigures(
    rows.flatMap(({ report }) => report.psnr?.all ?? []),
    0,
  );
  if (figures === null) return "";
  const { least, percentile1, mean, below, compared } = figures;
  const values = `minimum ${decibels(least)}, 1st percentile ${decibels(percentile1)}, mean ${decibels(mean)} dB`;
  return `; ${compared} re-encoded frames: ${values}, ${below} below 45`;
}

export const summary = (rows: readonly Row[]): string => {
  const wrong = rows.filter(({ report }) => report.faults.length > 0).length;
  const seconds = rows.reduce((sum, { took }) => sum + took, 0);
  return `${rows.length} runs, ${wrong} wrong, ${rows.length - wrong} right${videoQuality(rows)}; ${seconds.toFixed(0)} s`;
};
