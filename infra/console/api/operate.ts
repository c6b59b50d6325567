import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { SourceUnavailableError } from "../../../services/video/errors.ts";
import { openOnce } from "../../../services/video/open-once.ts";
import { openDeadLetters, type openDeployment, type Where } from "../../operations/deployment.ts";
import { eachDeadLetter, type ReceivedDeadLetter, redriveDeadLetters } from "../../operations/redrive.ts";
import { requestSplit, UnreadableObjectError } from "../../operations/request.ts";
import { readKeyframes } from "../keyframes/read-keyframes.ts";
import { sourceObject } from "../keyframes/source-object.ts";
import { type Backend, ConsoleError } from "./backend.ts";
import { type Documents, documentOf, placesOf, segmentsOf, sourceOf } from "./documents.ts";
import type { Addresses, DeadLetterView, Place, Redriven } from "./types.ts";

/** Seconds for which a signed address is good: as long as somebody looks at a page. */
export const SIGNED_SECONDS = 3_600;

function deadLetterView({ id, queue, sentAt, content, body }: ReceivedDeadLetter): DeadLetterView {
  const common = { id, queue, sentAt: sentAt.toISOString() };
  if (content === undefined) return { ...common, event: body };
  const { source, attempts, errorCode, errorMessage, event } = content;
  return { ...common, source, attempts, errorCode, errorMessage, event };
}

export type Deployed = Awaited<ReturnType<typeof openDeployment>>;

/** Signs an address of an object. */
export type Sign = (place: Place) => Promise<string>;

export const signWith =
  (s3: S3Client): Sign =>
  ({ bucket, key }) =>
    getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: SIGNED_SECONDS });

type Common = Pick<
  Backend,
  "segments" | "document" | "keyframes" | "addresses" | "deadLetters" | "redrive" | "request"
>;

/** What the local stack and a stage do the same way: by the AWS SDK. */
export function operations(
  where: Where,
  deployed: () => Promise<Deployed>,
  sign: (deployed: Deployed) => Sign,
): Common {
  const documents = async (): Promise<Documents> => {
    const { documents: client, table } = await deployed();
    return { client, table };
  };
  const deadLetters = openOnce(() => openDeadLetters(where));
  return {
    segments: async (videoId, page) => segmentsOf(await documents(), videoId, page),
    document: async (videoId) => documentOf(await documents(), videoId),
    keyframes: async (videoId, signal) => {
      const source = await sourceOf(await documents(), videoId);
      return readKeyframes(sourceObject((await deployed()).s3, source), signal);
    },
    addresses: async (ids) => {
      const signed = sign(await deployed());
      const entries = [...(await placesOf(await documents(), ids))].map(async ([id, { media, poster }]) => {
        const addresses = { media: await signed(media), ...(poster && { poster: await signed(poster) }) };
        return [String(id), addresses] as const;
      });
      return Object.fromEntries(await Promise.all(entries)) satisfies Addresses;
    },
    deadLetters: async (signal) => {
      const views: DeadLetterView[] = [];
      await eachDeadLetter(await deadLetters(), (deadLetter) => views.push(deadLetterView(deadLetter)), signal);
      return views.sort((one, other) => (one.sentAt < other.sentAt ? 1 : -1));
    },
    redrive: async (ids, signal) => {
      const redriven: Redriven[] = [];
      await redriveDeadLetters(
        await deadLetters(),
        ({ id }) => ids === undefined || ids.includes(id),
        ({ id }, ending) =>
          redriven.push(
            ending.outcome === "handled"
              ? { id, handled: true, says: ending.result }
              : { id, handled: false, says: ending.why },
          ),
        signal,
      );
      return redriven;
    },
    request: async (place, signal) => {
      try {
        await requestSplit(await deployed(), place, signal);
      } catch (cause) {
        if (!(cause instanceof UnreadableObjectError || cause instanceof SourceUnavailableError)) throw cause;
        throw new ConsoleError(404, cause.message, { cause });
      }
    },
  };
}
