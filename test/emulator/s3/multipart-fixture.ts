import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { bytesOf } from "./s3-fixture.ts";

export const Bucket = "videos";
/** As small as a part may be that isn't the last one. */
export const PART = bytesOf(5 * 2 ** 20, 3);
export const TAIL = bytesOf(123_457, 4);
export const WHOLE = Buffer.concat([PART, TAIL]);

type Choices = Partial<CreateMultipartUploadCommandInput>;

/** The steps of an upload in parts, by a client that a test starts later. */
export function multipartSteps(client: () => S3Client) {
  const create = async (Key: string, more: Choices = {}): Promise<string> =>
    (await client().send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId!;

  async function sendPart(Key: string, UploadId: string, PartNumber: number, Body: Uint8Array, more = {}) {
    const part = await client().send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }));
    const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA1, ChecksumSHA256 } = part;
    return { PartNumber, ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA1, ChecksumSHA256 } as CompletedPart;
  }

  const complete = (
    Key: string,
    UploadId: string,
    Parts: CompletedPart[],
    more: Partial<CompleteMultipartUploadCommandInput> = {},
  ) =>
    client().send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));

  async function readWhole(Key: string): Promise<Buffer> {
    const { Body } = await client().send(new GetObjectCommand({ Bucket, Key }));
    return Buffer.from(await Body!.transformToByteArray());
  }

  async function twoParts(Key: string, more: Choices = {}, ofPart = {}) {
    const UploadId = await create(Key, more);
    const parts = [await sendPart(Key, UploadId, 1, PART, ofPart), await sendPart(Key, UploadId, 2, TAIL, ofPart)];
    return { UploadId, parts };
  }

  return { create, sendPart, complete, readWhole, twoParts };
}
