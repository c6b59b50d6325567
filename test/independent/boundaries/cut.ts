import { cutFile, NoSuchContainerError } from "../../fixtures/cut.ts";

/** How the beginning of a segment was made, and why, as the service logs it. */
export type Beginning = {
  index: number;
  path: string;
  /** "keyframe": it begins on one. */
  way: "keyframe" | "anchored" | "stitched" | "encoded";
  /** Why it isn't anchored; "" where it is, or needn't be. */
  reason: string;
  /** Of an anchored one: how many of the frames up to the next keyframe are encoded. */
  encoded?: number;
  toKeyframe?: number;
};

/** The segments `from` to `last`, `last` included. Seconds. */
export type Cutting = { seconds: number; from: number; last: number; boundary: "anchored" | "encoded" };

type Entry = { message?: string; segment?: number; reason?: string; encoded?: number; frames?: number };

/** "references to the end: no picture is left" has a name in front. */
const nameIn = (reason: string): string => /^(?:H264Refusal: )?([^:(]+)/.exec(reason)?.[1]?.trim() ?? reason;

/** Why no segment, or none from one on, is anchored. */
function reasonOf(index: number, entries: readonly Entry[], warnings: readonly string[]): string {
  const own = entries.findLast(({ message, segment }) => segment === index && message?.startsWith("Encoding the beg"));
  if (own !== undefined) return nameIn(own.reason ?? "");
  const failed = warnings.find(
    (text) =>
      text.startsWith("Stitching with fewer anchors") &&
      new RegExp(`"from_segment":(?:${index}|${index - 1}),`).test(text),
  );
  if (failed !== undefined) return `failed: ${/"since":"(?:\w+: )*([^"]*)/.exec(failed)?.[1] ?? failed}`;
  const none = entries.find(({ message }) => message === "No segment is anchored");
  if (none !== undefined) return nameIn(none.reason ?? "");
  const fallback = warnings.find((text) => text.startsWith("Falling back"));
  if (fallback !== undefined) return `failed: ${/"since":"(?:\w+: )*([^"]*)/.exec(fallback)?.[1] ?? fallback}`;
  return "";
}

/** Cuts into the first container that can hold the tracks. Throws why none can. */
async function cutInAny(path: string, { seconds, ...rest }: Cutting, directory: string) {
  const refusals: unknown[] = [];
  for (;;)
    try {
      const container = refusals.length;
      return await cutFile(path, { cut: "exact", segmentSeconds: seconds, directory, container, ...rest });
    } catch (error) {
      if (error instanceof NoSuchContainerError) throw new Error(refusals.map(String).join("; "), { cause: error });
      refusals.push(error);
    }
}

/** Cuts a file as the split service does, without uploads, and says how each segment begins. */
export async function cutAt(path: string, cutting: Cutting, directory: string): Promise<Beginning[]> {
  const { segments, plan, entries, warnings } = await cutInAny(path, cutting, directory);
  const planned = plan.cut.kind === "exact" && plan.cut.plan.jobs !== undefined ? plan.cut.plan.segments : [];
  return segments.map(({ index, path: file, made, proof }): Beginning => {
    if (proof.anchoredFrames !== undefined) {
      const log = (entries as Entry[]).findLast(({ segment, encoded }) => segment === index && encoded !== undefined);
      const counts = { encoded: log?.encoded ?? Number.NaN, toKeyframe: log?.frames ?? Number.NaN };
      return { index, path: file, way: "anchored", reason: "", ...counts };
    }
    const head = planned[index]?.head;
    const beginsOnKey = made !== "encoded" && head !== undefined && head.from === head.to;
    const way = beginsOnKey ? "keyframe" : made === "encoded" ? "encoded" : "stitched";
    const hasNoKey = planned[index] !== undefined && planned[index].copied === undefined;
    const reason = reasonOf(index, entries as Entry[], warnings) || (hasNoKey ? "no keyframe in the segment" : "");
    return { index, path: file, way, reason: beginsOnKey ? "" : reason };
  });
}
