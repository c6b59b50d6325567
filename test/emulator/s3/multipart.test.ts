import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { Bucket, multipartSteps, PART, TAIL, WHOLE } from "./multipart-fixture.ts";
import { bytesOf, refusalOf, type S3Fixture, startS3, until } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const { create, sendPart, complete, readWhole, twoParts } = multipartSteps(() => s3.client);
const md5 = (content: Uint8Array) => createHash("md5").update(content).digest();
const ETAG_OF_TWO = `"${md5(Buffer.concat([md5(PART), md5(TAIL)])).toString("hex")}-2"`;

describe("completion", () => {
  test("given two parts, when they are completed, then they are one object", async () => {
    const { UploadId, parts } = await twoParts("two", { ContentType: "video/mp4", Metadata: { cut: "exact" } });
    const answer = await complete("two", UploadId, parts);
    expect(answer).toMatchObject({ Bucket, Key: "two", ETag: ETAG_OF_TWO });
    expect((await readWhole("two")).equals(WHOLE)).toBe(true);
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: "two" }));
    expect(head).toMatchObject({ ContentLength: WHOLE.length, ContentType: "video/mp4", Metadata: { cut: "exact" } });
  });

  test("given parts that took two hours, then the object is as old as its upload, and the event is not", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-20T10:00:00Z") });
    onTestFinished(() => void vi.useRealTimers());
    const { UploadId, parts } = await twoParts("slow");
    vi.setSystemTime(new Date("2026-11-20T12:00:00Z"));
    await complete("slow", UploadId, parts);
    const { LastModified } = await s3.client.send(new HeadObjectCommand({ Bucket, Key: "slow" }));
    expect(LastModified?.toISOString()).toBe("2026-11-20T10:00:00.000Z");
    expect(s3.events.at(-1)).toMatchObject({ key: "slow", time: "2026-11-20T12:00:00Z" });
  });

  test("given a stream of unknown length, when the SDK's Upload sends it, then all of it is stored", async () => {
    const pieces = [PART, PART, TAIL];
    const Body = Readable.from(pieces, { objectMode: false });
    await new Upload({ client: s3.client, params: { Bucket, Key: "upload", Body } }).done();
    expect((await readWhole("upload")).equals(Buffer.concat(pieces))).toBe(true);
    expect(s3.events.at(-1)).toMatchObject({ key: "upload", reason: "CompleteMultipartUpload" });
  });

  test("given ranges over a seam, when they are read, then the bytes of both parts come", async () => {
    const { UploadId, parts } = await twoParts("seam");
    await complete("seam", UploadId, parts);
    const Range = `bytes=${PART.length - 10}-${PART.length + 9}`;
    const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: "seam", Range }));
    const expected = WHOLE.subarray(PART.length - 10, PART.length + 10);
    expect(Buffer.from(await Body!.transformToByteArray()).equals(expected)).toBe(true);
  });

  test("given a part number, when it is read, then that part comes", async () => {
    const { UploadId, parts } = await twoParts("parts");
    await complete("parts", UploadId, parts);
    const part = await s3.client.send(new GetObjectCommand({ Bucket, Key: "parts", PartNumber: 2 }));
    expect(part.PartsCount).toBe(2);
    expect(part.ContentRange).toBe(`bytes ${PART.length}-${WHOLE.length - 1}/${WHOLE.length}`);
    expect(Buffer.from(await part.Body!.transformToByteArray()).equals(TAIL)).toBe(true);
  });

  test("given a part sent twice, when the upload is completed, then the later one is used and the first is removed", async () => {
    const before = (await s3.contentFiles()).length;
    const UploadId = await create("again");
    await sendPart("again", UploadId, 1, bytesOf(1000, 9));
    const part = await sendPart("again", UploadId, 1, TAIL);
    await complete("again", UploadId, [part]);
    expect((await readWhole("again")).equals(TAIL)).toBe(true);
    await until(async () => (await s3.contentFiles()).length === before + 1);
  });

  test("given parts that are not listed, when the upload is completed, then they are dropped", async () => {
    const before = (await s3.contentFiles()).length;
    const { UploadId, parts } = await twoParts("dropped");
    await complete("dropped", UploadId, parts.slice(0, 1));
    expect((await readWhole("dropped")).equals(PART)).toBe(true);
    await until(async () => (await s3.contentFiles()).length === before + 1);
  });

  test("given a completed upload, when it is completed again, then the answer is the same", async () => {
    const { UploadId, parts } = await twoParts("repeated");
    const first = await complete("repeated", UploadId, parts);
    expect(await complete("repeated", UploadId, parts)).toMatchObject({ ETag: first.ETag, Key: "repeated" });
  });

  test("given a listener that failed, when the upload is completed again, then the event is not lost", async () => {
    const { UploadId, parts } = await twoParts("unlucky");
    s3.onEvent(() => Promise.reject(new Error("the bus is down (as this test wants it)")));
    expect(await refusalOf(complete("unlucky", UploadId, parts))).toBe("InternalError");
    s3.onEvent(undefined);
    await complete("unlucky", UploadId, parts);
    expect(s3.events.at(-1)?.key).toBe("unlucky");
  });
});

describe("refusals", () => {
  test("given a first part below 5 MiB, when the upload is completed, then it is too small", async () => {
    const UploadId = await create("small");
    const parts = [await sendPart("small", UploadId, 1, TAIL), await sendPart("small", UploadId, 2, TAIL)];
    expect(await refusalOf(complete("small", UploadId, parts))).toBe("EntityTooSmall");
  });

  test("given wrong parts, when the upload is completed, then each fault has its code and the upload continues", async () => {
    const { UploadId, parts } = await twoParts("wrong");
    const [one, two]: CompletedPart[] = parts;
    if (one === undefined || two === undefined) throw new Error("two parts were sent");
    expect(await refusalOf(complete("wrong", UploadId, [two, one]))).toBe("InvalidPartOrder");
    expect(await refusalOf(complete("wrong", UploadId, [one, one]))).toBe("InvalidPartOrder");
    expect(await refusalOf(complete("wrong", UploadId, [one, { PartNumber: 3, ETag: "x" }]))).toBe("InvalidPart");
    expect(await refusalOf(complete("wrong", UploadId, [{ ...one, ETag: two.ETag }]))).toBe("InvalidPart");
    expect(await refusalOf(complete("wrong", UploadId, []))).toBe("MalformedXML");
    expect(await refusalOf(complete("wrong", UploadId, parts))).toBe("no refusal");
  });

  test("given an unknown upload, when it is used, then there is none", async () => {
    expect(await refusalOf(sendPart("k", "unknown", 1, TAIL))).toBe("NoSuchUpload");
    expect(await refusalOf(complete("k", "unknown", [{ PartNumber: 1, ETag: "x" }]))).toBe("NoSuchUpload");
    const UploadId = await create("mine");
    expect(await refusalOf(sendPart("not-mine", UploadId, 1, TAIL))).toBe("NoSuchUpload");
  });

  test("given a part number outside 1 to 10,000, when a part is sent, then it is refused", async () => {
    const UploadId = await create("numbers");
    expect(await refusalOf(sendPart("numbers", UploadId, 0, TAIL))).toBe("InvalidArgument");
    expect(await refusalOf(sendPart("numbers", UploadId, 10_001, TAIL))).toBe("InvalidArgument");
    expect(await refusalOf(sendPart("numbers", UploadId, 10_000, TAIL))).toBe("no refusal");
  });

  test("given an existing object, when an upload is completed on the condition that it doesn't exist, then it fails", async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: "there", Body: "x" }));
    const { UploadId, parts } = await twoParts("there");
    expect(await refusalOf(complete("there", UploadId, parts, { IfNoneMatch: "*" }))).toBe("PreconditionFailed");
  });

  test("given another size announced, when the upload is completed, then it is refused", async () => {
    const { UploadId, parts } = await twoParts("sized");
    expect(await refusalOf(complete("sized", UploadId, parts, { MpuObjectSize: 1 }))).toBe("InvalidRequest");
    expect(await refusalOf(complete("sized", UploadId, parts, { MpuObjectSize: WHOLE.length }))).toBe("no refusal");
  });

  test("given an aborted upload, when it is listed or completed, then it and its parts don't exist", async () => {
    const before = (await s3.contentFiles()).length;
    const { UploadId, parts } = await twoParts("aborted");
    await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: "aborted", UploadId }));
    expect(await refusalOf(complete("aborted", UploadId, parts))).toBe("NoSuchUpload");
    await until(async () => (await s3.contentFiles()).length === before);
  });
});

describe("listing", () => {
  test("given parts, when they are listed in pages, then all come in order", async () => {
    const UploadId = await create("listed");
    for (const number of [3, 1, 2]) await sendPart("listed", UploadId, number, TAIL);
    const input = { Bucket, Key: "listed", UploadId };
    const first = await s3.client.send(new ListPartsCommand({ ...input, MaxParts: 2 }));
    expect(first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, TAIL.length],
      [2, TAIL.length],
    ]);
    expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: "2" });
    const second = await s3.client.send(new ListPartsCommand({ ...input, PartNumberMarker: "2" }));
    expect(second.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([3]);
  });

  test("given uploads, when they are listed in pages, then all come by key and age", async () => {
    const made = [await create("up/a"), await create("up/a"), await create("up/b")];
    const found: (string | undefined)[] = [];
    let markers = {};
    for (let more: boolean | undefined = true; more; ) {
      const input = { Bucket, Prefix: "up/", MaxUploads: 1, ...markers };
      const page = await s3.client.send(new ListMultipartUploadsCommand(input));
      found.push(...(page.Uploads?.map(({ UploadId }) => UploadId) ?? []));
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
      more = page.IsTruncated;
    }
    expect(found).toEqual(made);
  });
});

describe("parts copied from objects", () => {
  test("given ranges of an object, when they are copied as parts, then the new object is made of them", async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: "source", Body: WHOLE }));
    const UploadId = await create("copied");
    const copy = async (PartNumber: number, CopySourceRange: string) => {
      const input = { Bucket, Key: "copied", UploadId, PartNumber, CopySource: "videos/source", CopySourceRange };
      const { CopyPartResult } = await s3.client.send(new UploadPartCopyCommand(input));
      return { PartNumber, ETag: CopyPartResult?.ETag };
    };
    const parts = [
      await copy(1, `bytes=${TAIL.length}-${WHOLE.length - 1}`),
      await copy(2, `bytes=0-${TAIL.length - 1}`),
    ];
    await complete("copied", UploadId, parts);
    const expected = Buffer.concat([WHOLE.subarray(TAIL.length), WHOLE.subarray(0, TAIL.length)]);
    expect((await readWhole("copied")).equals(expected)).toBe(true);
  });

  test("given a range beyond the source, when it is copied, then it is refused", async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: "short", Body: "x" }));
    const UploadId = await create("beyond");
    const input = { Bucket, Key: "beyond", UploadId, PartNumber: 1, CopySource: "videos/short" };
    for (const CopySourceRange of ["bytes=0-1", "bytes=0-", "0-1"]) {
      const call = s3.client.send(new UploadPartCopyCommand({ ...input, CopySourceRange }));
      expect(await refusalOf(call)).toBe("InvalidArgument");
    }
  });
});
