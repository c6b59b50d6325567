/** Uploads are named after their run, and so is all that comes of them. */
export const uploadKey = (run: number): string => `uploads/run-${run}.mp4`;

const RUN = /\brun-(\d+)\b/;

/** The run that an event is about; undefined for none. */
export function runIn(event: unknown): number | undefined {
  const [, run] = RUN.exec(JSON.stringify(event)) ?? [];
  return run === undefined ? undefined : Number(run);
}
