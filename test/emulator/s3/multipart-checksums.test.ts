import { crc32 } from "node:zlib";
import {
  type ChecksumAlgorithm,
  type CompletedPart,
  GetObjectAttributesCommand,
  HeadObjectCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bucket, multipartSteps, PART, TAIL, WHOLE } from "./multipart-fixture.ts";
import { refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const { create, sendPart, complete, readWhole, twoParts } = multipartSteps(() => s3.client);

describe("checksums", () => {
  const crcOf = (content: Uint8Array) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(content));
    return bytes;
  };
  const headOf = (Key: string) => s3.client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));

  test("given CRC32 by default, then the object's checksum is that of the parts' checksums", async () => {
    const { UploadId, parts } = await twoParts("composite", { ChecksumAlgorithm: "CRC32" });
    await complete("composite", UploadId, parts);
    const expected = crcOf(Buffer.concat([crcOf(PART), crcOf(TAIL)])).toString("base64");
    expect(await headOf("composite")).toMatchObject({ ChecksumCRC32: `${expected}-2`, ChecksumType: "COMPOSITE" });
  });

  test("given CRC32 of the full object, then it is the one of the whole object", async () => {
    const choice = { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } as const;
    const { UploadId, parts } = await twoParts("full", choice);
    await complete("full", UploadId, parts);
    const ChecksumCRC32 = crcOf(WHOLE).toString("base64");
    expect(await headOf("full")).toMatchObject({ ChecksumCRC32, ChecksumType: "FULL_OBJECT" });
  });

  test("given no algorithm, then CRC64NVME of the whole is the one of a single put", async () => {
    const UploadId = await create("default");
    const parts: CompletedPart[] = [];
    for (const [index, body] of [PART, TAIL].entries()) {
      const path = `/videos/default?partNumber=${index + 1}&uploadId=${UploadId}`;
      const { headers } = await s3.send({ method: "PUT", path, body });
      parts.push({ PartNumber: index + 1, ETag: headers.etag });
    }
    await complete("default", UploadId, parts);
    const single = await s3.send({ method: "PUT", path: "/videos/default-single", body: WHOLE });
    const expected = single.headers["x-amz-checksum-crc64nvme"];
    expect(await headOf("default")).toMatchObject({ ChecksumCRC64NVME: expected, ChecksumType: "FULL_OBJECT" });
  });

  test.each(["CRC32C", "SHA1", "SHA256"] satisfies ChecksumAlgorithm[])(
    "given %s, when the SDK uploads in parts, then both ends agree on the composite",
    async (ChecksumAlgorithm) => {
      const params = { Bucket, Key: `upload-${ChecksumAlgorithm}`, Body: WHOLE, ChecksumAlgorithm };
      await new Upload({ client: s3.client, params }).done();
      const head = await headOf(params.Key);
      expect(head).toMatchObject({ ChecksumType: "COMPOSITE" });
      expect((head as unknown as Record<string, string>)[`Checksum${ChecksumAlgorithm}`]).toMatch(/=-2$/);
      expect((await readWhole(params.Key)).equals(WHOLE)).toBe(true);
    },
  );

  test("given a composite upload, when a part's checksum is left out at the end, then it is requested", async () => {
    const { UploadId, parts } = await twoParts(
      "asked",
      { ChecksumAlgorithm: "SHA256" },
      { ChecksumAlgorithm: "SHA256" },
    );
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    expect(await refusalOf(complete("asked", UploadId, bare))).toBe("InvalidRequest");
  });

  test("given another algorithm than the upload's, when a part is sent, then it is refused", async () => {
    const UploadId = await create("mixed", { ChecksumAlgorithm: "SHA256" });
    const call = sendPart("mixed", UploadId, 1, TAIL, { ChecksumAlgorithm: "SHA1" });
    expect(await refusalOf(call)).toBe("InvalidRequest");
  });

  test("given a wrong checksum of the whole, when the upload is completed, then it is refused", async () => {
    const choice = { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } as const;
    const { UploadId, parts } = await twoParts("disputed", choice);
    expect(await refusalOf(complete("disputed", UploadId, parts, { ChecksumCRC32: "AAAAAA==" }))).toBe("BadDigest");
  });

  test("given a type that the algorithm doesn't have, when an upload is begun, then it is refused", async () => {
    const full = { ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT" } as const;
    const composite = { ChecksumAlgorithm: "CRC64NVME", ChecksumType: "COMPOSITE" } as const;
    expect(await refusalOf(create("impossible", full))).toBe("InvalidRequest");
    expect(await refusalOf(create("impossible", composite))).toBe("InvalidRequest");
  });

  test("given a composite object, when its attributes are requested, then its parts are returned", async () => {
    const { UploadId, parts } = await twoParts("composite-parts", { ChecksumAlgorithm: "CRC32" });
    await complete("composite-parts", UploadId, parts);
    const ObjectAttributes: ("ObjectParts" | "Checksum")[] = ["ObjectParts", "Checksum"];
    const command = new GetObjectAttributesCommand({ Bucket, Key: "composite-parts", ObjectAttributes });
    const { ObjectParts } = await s3.client.send(command);
    expect(ObjectParts).toMatchObject({ TotalPartsCount: 2, IsTruncated: false });
    expect(ObjectParts?.Parts).toEqual([
      { PartNumber: 1, Size: PART.length, ChecksumCRC32: crcOf(PART).toString("base64") },
      { PartNumber: 2, Size: TAIL.length, ChecksumCRC32: crcOf(TAIL).toString("base64") },
    ]);
  });
});
