import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type ChecksumAlgorithm, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elementOf, refusalOf, type S3Fixture, startS3, until } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const CHECK_INPUT = "123456789";
const sha = (name: string) => createHash(name).update(CHECK_INPUT).digest("base64");
/** The published check values of each CRC are its checksum of "123456789". */
const EXPECTED: Record<string, string> = {
  CRC32: Buffer.from("cbf43926", "hex").toString("base64"),
  CRC32C: Buffer.from("e3069283", "hex").toString("base64"),
  CRC64NVME: Buffer.from("ae8b14860a799888", "hex").toString("base64"),
  SHA1: sha("sha1"),
  SHA256: sha("sha256"),
};
const ALGORITHMS = Object.keys(EXPECTED);
const headerOf = (algorithm: string) => `x-amz-checksum-${algorithm.toLowerCase()}`;

const putRaw = (path: string, headers: Record<string, string>, body = CHECK_INPUT) =>
  s3.send({ method: "PUT", path, headers, body });

describe.each(ALGORITHMS)("%s", (algorithm) => {
  test("given the right checksum, when an object is put, then it is confirmed and kept", async () => {
    const put = await putRaw(`/videos/${algorithm}`, { [headerOf(algorithm)]: EXPECTED[algorithm]! });
    expect(put.status).toBe(200);
    expect(put.headers[headerOf(algorithm)]).toBe(EXPECTED[algorithm]);
    const read = await s3.client.send(
      new HeadObjectCommand({ Bucket: "videos", Key: algorithm, ChecksumMode: "ENABLED" }),
    );
    expect(read).toMatchObject({ [`Checksum${algorithm}`]: EXPECTED[algorithm], ChecksumType: "FULL_OBJECT" });
  });

  test("given a wrong checksum, when an object is put, then it is refused and nothing is stored", async () => {
    const before = await s3.contentFiles();
    const put = await putRaw("/videos/wrong", { [headerOf(algorithm)]: EXPECTED[algorithm]! }, "12345678X");
    expect([put.status, elementOf(put, "Code")]).toEqual([400, "BadDigest"]);
    expect((await s3.send({ method: "HEAD", path: "/videos/wrong" })).status).toBe(404);
    await until(async () => (await s3.contentFiles()).length === before.length);
  });

  test("given an impossible checksum, when an object is put, then the request is invalid", async () => {
    const put = await putRaw("/videos/wrong", { [headerOf(algorithm)]: "AAA=" });
    expect([put.status, elementOf(put, "Code")]).toEqual([400, "InvalidRequest"]);
  });

  test("given the checksum in a trailer, when an object is put, then it is verified", async () => {
    const framed = (value: string) => `9\r\n${CHECK_INPUT}\r\n0\r\n${headerOf(algorithm)}:${value}\r\n\r\n`;
    const headers = {
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      "x-amz-decoded-content-length": "9",
      "x-amz-trailer": headerOf(algorithm),
      "content-encoding": "aws-chunked",
    };
    const right = await putRaw("/videos/trailer", headers, framed(EXPECTED[algorithm]!));
    expect([right.status, right.headers[headerOf(algorithm)]]).toEqual([200, EXPECTED[algorithm]]);
    const other = Buffer.alloc(Buffer.from(EXPECTED[algorithm]!, "base64").length).toString("base64");
    expect(elementOf(await putRaw("/videos/trailer", headers, framed(other)), "Code")).toBe("BadDigest");
  });
});

test("given the SDK's own choice of algorithm, when an object is put and read, then both ends agree", async () => {
  const put = await s3.client.send(new PutObjectCommand({ Bucket: "videos", Key: "default", Body: CHECK_INPUT }));
  expect(put.ChecksumCRC32).toBe(EXPECTED.CRC32);
  const read = await s3.client.send(new GetObjectCommand({ Bucket: "videos", Key: "default" }));
  expect(read.ChecksumCRC32).toBe(EXPECTED.CRC32);
  expect(await read.Body!.transformToString()).toBe(CHECK_INPUT);
});

test.each(["CRC32", "CRC32C", "SHA1", "SHA256"] satisfies ChecksumAlgorithm[])(
  "given %s by name, when the SDK puts an object, then it is accepted",
  async (ChecksumAlgorithm) => {
    const put = await s3.client.send(
      new PutObjectCommand({ Bucket: "videos", Key: "named", Body: CHECK_INPUT, ChecksumAlgorithm }),
    );
    expect(put).toMatchObject({ [`Checksum${ChecksumAlgorithm}`]: EXPECTED[ChecksumAlgorithm] });
  },
);

test("given no checksum, when an object is put, then CRC64NVME is computed", async () => {
  const put = await putRaw("/videos/none", {});
  expect(put.headers[headerOf("CRC64NVME")]).toBe(EXPECTED.CRC64NVME);
});

test("given no checksum mode, when an object is read, then its checksum isn't returned", async () => {
  await putRaw("/videos/quiet", {});
  const read = await s3.send({ path: "/videos/quiet" });
  expect(Object.keys(read.headers).filter((name) => name.startsWith("x-amz-checksum"))).toEqual([]);
});

test("given a range, when it is read with checksum mode, then the whole object's checksum isn't returned", async () => {
  await putRaw("/videos/ranged", {});
  const read = await s3.client.send(
    new GetObjectCommand({ Bucket: "videos", Key: "ranged", Range: "bytes=0-3", ChecksumMode: "ENABLED" }),
  );
  expect(read.ChecksumCRC64NVME).toBeUndefined();
  expect(await read.Body!.transformToString()).toBe("1234");
});

test("given content of any length, when CRCs are computed in steps of eight bytes, then the remaining bytes are included", async () => {
  for (const length of [1, 7, 8, 9, 15, 17]) {
    const body = "x".repeat(length);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(body));
    const put = await putRaw("/videos/lengths", { [headerOf("CRC32")]: bytes.toString("base64") }, body);
    expect(put.status).toBe(200);
    const call = s3.client.send(
      new PutObjectCommand({ Bucket: "videos", Key: "lengths", Body: body, ChecksumAlgorithm: "CRC32C" }),
    );
    expect(await refusalOf(call)).toBe("no refusal");
  }
});

describe("digests of the request", () => {
  const md5 = createHash("md5").update(CHECK_INPUT).digest("base64");
  const sha256 = createHash("sha256").update(CHECK_INPUT).digest("hex");

  test("given the right Content-MD5 and payload hash, when an object is put, then it is stored", async () => {
    expect((await putRaw("/videos/d", { "content-md5": md5, "x-amz-content-sha256": sha256 })).status).toBe(200);
  });

  test("given another Content-MD5, when an object is put, then it is refused", async () => {
    expect(elementOf(await putRaw("/videos/d", { "content-md5": md5 }, "other"), "Code")).toBe("BadDigest");
  });

  test("given a Content-MD5 that is none, when an object is put, then it is refused", async () => {
    expect(elementOf(await putRaw("/videos/d", { "content-md5": "short" }), "Code")).toBe("InvalidDigest");
  });

  test("given another payload hash, when an object is put, then it is refused", async () => {
    const put = await putRaw("/videos/d", { "x-amz-content-sha256": sha256 }, "other");
    expect(elementOf(put, "Code")).toBe("XAmzContentSHA256Mismatch");
  });

  test("given two checksums, when an object is put, then the request is invalid", async () => {
    const both = { [headerOf("CRC32")]: EXPECTED.CRC32!, [headerOf("SHA1")]: EXPECTED.SHA1! };
    expect(elementOf(await putRaw("/videos/d", both), "Code")).toBe("InvalidRequest");
  });

  test("given an announced but missing checksum, when an object is put, then the request is invalid", async () => {
    const put = await putRaw("/videos/d", { "x-amz-sdk-checksum-algorithm": "CRC32" });
    expect(elementOf(put, "Code")).toBe("InvalidRequest");
  });
});
