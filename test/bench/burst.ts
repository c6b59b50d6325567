import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { paginateScan } from "@aws-sdk/lib-dynamodb";
import { makeMedia, type Trait } from "../fixtures/media.ts";
import { type BenchStack, withStack } from "./stack.ts";
import { watchMemory } from "./watch.ts";

/** Functions of a kind at the same time. */
const CONCURRENCY = 4;

const SEGMENT_SECONDS = 2;

/** The videos that are uploaded repeatedly when no folder of videos is given. */
const MADE: readonly Trait[] = [
  "b-frames.mp4",
  "keyframe-each-second.mp4",
  "matroska.mkv",
  "ntsc.mp4",
  "transport-stream.ts",
];

type Video = { name: string; body: Buffer };

async function videosIn(folder: string, temporary: string): Promise<Video[]> {
  const made = async (name: Trait) => ({ name, body: await readFile(await makeMedia(temporary, name)) });
  if (folder === "") return Promise.all(MADE.map(made));
  const names = (await readdir(folder)).filter((name) => /\.(mp4|mov|mkv|webm|ts)$/i.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, body: await readFile(join(folder, name)) })));
}

type Document = { VideoId: number; key: string; status?: string; sub_videos?: number[]; frames?: number };

async function documentsOf({ documents, stack }: BenchStack): Promise<Document[]> {
  const all: Document[] = [];
  for await (const { Items = [] } of paginateScan({ client: documents }, { TableName: stack.names.videos }))
    all.push(...(Items as Document[]));
  return all;
}

/** What is wrong with a document, against the others of the same video; undefined where nothing is. */
function faultOf(upload: Document | undefined, all: ReadonlyMap<number, Document>): string | undefined {
  if (upload === undefined) return "no document";
  if (upload.status !== "split") return `status ${upload.status}`;
  const segments = upload.sub_videos?.map((id) => all.get(id)) ?? [];
  if (segments.includes(undefined)) return "a segment has no document";
  const frames = segments.reduce((sum, segment) => sum + (segment?.frames ?? 0), 0);
  return frames === upload.frames ? undefined : `${frames} frames in segments, ${upload.frames} in the video`;
}

/**
 * Uploads many small videos concurrently and waits for the last document. Throws if one is wrong.
 */
export async function benchBurst({
  uploads,
  folder,
  temporary,
}: {
  uploads: number;
  folder: string;
  temporary: string;
}): Promise<void> {
  const videos = await videosIn(folder, temporary);
  await withStack({ "video_split.concurrency": CONCURRENCY }, async (bench) => {
    const { s3, stack } = bench;
    const memory = watchMemory();
    const begun = performance.now();
    let bytes = 0;
    const keys = await Promise.all(
      Array.from({ length: uploads }, async (_, index) => {
        const { name, body } = videos[index % videos.length]!;
        const Key = `${stack.uploadPrefix}${index}-${name}`;
        bytes += body.length;
        const Metadata = { "segment-seconds": String(SEGMENT_SECONDS) };
        await s3.send(new PutObjectCommand({ Bucket: stack.names.uploads, Key, Body: body, Metadata }));
        return Key;
      }),
    );
    const uploaded = (performance.now() - begun) / 1_000;
    await stack.idle();
    const seconds = (performance.now() - begun) / 1_000;
    const peak = memory.stop();

    const documents = await documentsOf(bench);
    const byId = new Map(documents.map((document) => [document.VideoId, document]));
    const byKey = new Map(documents.map((document) => [document.key, document]));
    const faults = keys.flatMap((key) => {
      const fault = faultOf(byKey.get(key), byId);
      return fault === undefined ? [] : [`${key}: ${fault}`];
    });
    const deadLetters = (await Promise.all(Object.keys(stack.topology.queues).map(stack.deadLetters.read))).flat();
    const megabytes = (count: number) => (count / 1e6).toFixed(0);
    process.stdout.write(
      `${uploads} uploads (${megabytes(bytes)} MB) in ${uploaded.toFixed(1)} s, all split after ${seconds.toFixed(1)} s: ` +
        `${(uploads / seconds).toFixed(2)} videos and ${(bytes / 1e6 / seconds).toFixed(1)} MB a second at concurrency ${CONCURRENCY}\n` +
        `${documents.length} documents, ${faults.length} wrong, ${deadLetters.length} dead letters; ` +
        `a function's process held ${megabytes(peak)} MB at most, ffmpeg's own not counted\n`,
    );
    for (const fault of faults) process.stdout.write(`${fault}\n`);
    if (faults.length + deadLetters.length > 0) throw new Error("The burst wasn't survived");
  });
}
