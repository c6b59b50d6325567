import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { CreateBucketCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { s3MediaStore } from "../../services/aws/media-store.ts";
import type { RangedSource } from "../../services/ffmpeg/source/ranged-source.ts";
import { cutFile, recordingLog } from "../fixtures/cut.ts";
import { makeLayouts } from "../fixtures/layouts.ts";
import { withStack } from "./stack.ts";

export type ReadsBench = { videos: string[]; folder: string; megabytes: number };

const SECONDS = 60;
/** Of this bench alone: nothing is split when a video is uploaded there. */
const BUCKET = "reads";

/** Counts the ranged GETs that a client sends, and the bytes that they request. */
function countGets(client: S3Client): { gets: number; bytes: number } {
  const counts = { gets: 0, bytes: 0 };
  client.middlewareStack.add(
    (next) => (args) => {
      const { Range } = args.input as { Range?: string };
      const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(Range ?? "") ?? [];
      if (start !== undefined && end !== undefined) {
        counts.gets += 1;
        counts.bytes += Number(end) - Number(start) + 1;
      }
      return next(args);
    },
    { step: "initialize" },
  );
  return counts;
}

/** A file as an object of the local stack's S3. */
async function uploaded(client: S3Client, path: string): Promise<RangedSource> {
  const Key = basename(path);
  const { size } = statSync(path);
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: createReadStream(path), ContentLength: size }));
  const store = s3MediaStore(client);
  const { source } = (await store.describe(BUCKET, Key))!;
  return { size, read: (start, end, signal) => store.read(source, start, end, signal) };
}

/** Prints what is read of each video, its description and its index included, until it's cut. */
export async function benchReads({ videos, folder, megabytes }: ReadsBench): Promise<void> {
  const bitRate = `${Math.round((megabytes * 8_000) / SECONDS)}k`;
  const made = { folder, seconds: SECONDS, bitRate, size: "640x360", blockSeconds: 10 };
  const paths = videos.length > 0 ? videos : [...(await makeLayouts(made)).values()];
  console.log("video                     cut       MB source   MB read   ratio    GETs  seconds");
  await withStack({}, async ({ s3 }) => {
    const counts = countGets(s3);
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    for (const path of paths) {
      const source = await uploaded(s3, path);
      for (const cut of ["keyframe", "exact"] as const) {
        const directory = mkdtempSync(join(folder, "cut-"));
        Object.assign(counts, { gets: 0, bytes: 0 });
        const begun = performance.now();
        const { log } = recordingLog();
        const disk = { makeFolder: async () => mkdtempSync(join(folder, "kept-")), log };
        await cutFile(path, { cut, segmentSeconds: 7, directory, source, disk });
        const seconds = (performance.now() - begun) / 1_000;
        rmSync(directory, { recursive: true });
        console.log(
          basename(path).padEnd(25),
          cut.padEnd(8),
          (source.size / 1e6).toFixed(1).padStart(10),
          (counts.bytes / 1e6).toFixed(1).padStart(9),
          (counts.bytes / source.size).toFixed(2).padStart(7),
          String(counts.gets).padStart(7),
          seconds.toFixed(1).padStart(8),
        );
      }
    }
  });
}
