import { mkdir, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { readVersion } from "../../services/ffmpeg/process/program-version.ts";
import { binaries } from "../fixtures/media.ts";

/** A figure and what it's compared with. */
export type Row = Record<string, string | number>;

/** Where it was measured. */
async function environment(): Promise<Row> {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} × ${cpu?.model.trim() ?? "unknown"}`,
    memory_gb: Math.round(totalmem() / 1e9),
    node: process.version,
    ffmpeg: (await readVersion((await binaries).ffmpeg))?.version ?? "unknown",
  };
}

/** Prints the rows as a Markdown table, and saves them as docs/bench/NAME.json where `isSaved`. */
export async function report(name: string, rows: readonly Row[], isSaved: boolean): Promise<void> {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly unknown[]): string => `| ${cells.join(" | ")} |\n`;
  process.stdout.write(line(columns) + line(columns.map(() => "---")));
  for (const row of rows) process.stdout.write(line(columns.map((column) => row[column] ?? "")));
  if (!isSaved) return;
  const folder = join(PROJECT_ROOT, "docs", "bench");
  await mkdir(folder, { recursive: true });
  const text = JSON.stringify({ bench: name, ...(await environment()), rows }, undefined, 2);
  await writeFile(join(folder, `${name}.json`), `${text}\n`);
}
