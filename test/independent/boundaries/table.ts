import { basename } from "node:path";
import { belowPromise, least } from "./judge.ts";
import type { Boundary, FileReport } from "./sweep.ts";

const WAYS = ["keyframe", "anchored", "stitched", "encoded"] as const;

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;

const shown = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : "-");

const TITLES = "file                             bounds key/anch/stit/enc  encoded of     least   mean  verdict";

export const header = (): string => TITLES;

const finite = (values: readonly number[]): number[] => values.filter(Number.isFinite);

const faultsOf = ({ boundaries, faults }: FileReport): string[] => [
  ...boundaries.flatMap((one) =>
    one.faults.map((fault) => `segment ${one.index} of ${one.seconds} s (${one.way}): ${fault}`),
  ),
  ...faults,
];

/** One line for a file, and one for each fault. */
export function lines(report: FileReport): string[] {
  const { boundaries, path, skipped } = report;
  const name = basename(path).slice(0, 32).padEnd(32);
  if (skipped !== "") return [`${name} ${skipped}`];
  const counts = WAYS.map((way) => boundaries.filter((one) => one.way === way).length).join("/");
  const anchored = boundaries.filter(({ way }) => way === "anchored");
  const [encoded, toKeyframe] = [anchored.map((one) => one.encoded ?? 0), anchored.map((one) => one.toKeyframe)];
  const decibels = finite(boundaries.flatMap((one) => one.decibels));
  const faults = faultsOf(report);
  const columns = [
    ...[name, String(boundaries.length).padStart(6), counts.padEnd(17)],
    ...[shown(mean(encoded)).padStart(7), shown(mean(toKeyframe)).padStart(6)],
    ...[shown(least(decibels)).padStart(7), shown(mean(decibels)).padStart(6)],
  ];
  const unlike = report.decoders.filter(({ use }) => use !== "compared").map(({ name: one, use }) => `${one}: ${use}`);
  const notes = unlike.length === 0 ? "" : ` (${unlike.join("; ")})`;
  return [
    `${columns.join(" ")}  ${faults.length === 0 ? "OK" : `${faults.length} WRONG`}${notes}`,
    ...faults.map((fault) => `    ${fault}`),
  ];
}

const countBy = (values: readonly string[]): [string, number][] =>
  [...Map.groupBy(values, (value) => value)]
    .map(([value, ones]): [string, number] => [value, ones.length])
    .sort(([, one], [, other]) => other - one);

/** Figures of the frames that differ from the source's, of the boundaries made in one way. */
function quality(boundaries: readonly Boundary[]): string {
  const decibels = boundaries.flatMap((one) => one.decibels);
  if (decibels.length === 0) return "no frame differs";
  const [minimum, average] = [shown(least(decibels)), shown(mean(finite(decibels)))];
  return `${decibels.length} frames differ: least ${minimum}, mean ${average} dB, ${belowPromise(decibels)} below 45`;
}

/** The figures of all files. */
export function summary(reports: readonly FileReport[]): string[] {
  const boundaries = reports.flatMap((report) => report.boundaries);
  const files = reports.filter((report) => report.boundaries.length > 0);
  const anchored = boundaries.filter(({ way }) => way === "anchored");
  const ways = WAYS.map((way) => {
    const own = boundaries.filter((one) => one.way === way);
    return `  ${way.padEnd(9)} ${String(own.length).padStart(5)}  ${quality(own)}`;
  });
  const reasons = countBy(
    boundaries
      .filter(({ way }) => way === "stitched" || way === "encoded")
      .map(({ way, reason }) => `${way}: ${reason}`),
  ).map(([reason, count]) => `  ${String(count).padStart(5)}  ${reason}`);
  const uses = countBy(files.flatMap(({ decoders }) => decoders.map(({ name, use }) => `${name}: ${use}`)));
  const [frames, identical] = [boundaries.map((one) => one.frames), boundaries.map((one) => one.identical)];
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const wrong = boundaries.filter((one) => one.faults.length > 0).length;
  const faults = reports.flatMap(faultsOf).length;
  return [
    `${boundaries.length} boundaries in ${files.length} files; ${total(frames)} frames, ${total(identical)} of them identical`,
    ...ways,
    `  anchored: ${shown(mean(anchored.map((one) => one.encoded ?? 0)))} of ${shown(mean(anchored.map((one) => one.toKeyframe)))} frames encoded on average`,
    ...(reasons.length === 0 ? [] : ["why not anchored:", ...reasons]),
    ...(uses.length === 0
      ? []
      : ["decoders, by files:", ...uses.map(([use, count]) => `  ${String(count).padStart(5)}  ${use}`)]),
    `${wrong} boundaries wrong, ${faults} faults`,
  ];
}

export const isRight = (reports: readonly FileReport[]): boolean => reports.flatMap(faultsOf).length === 0;
