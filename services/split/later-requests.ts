import type { RefusalReason } from "#events-schema";
import { BusyError } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import type { Log } from "../video/ports/log.ts";
import type { RequestedCut } from "./accept.ts";
import type { Announce } from "./dependencies.ts";
import type { SplitOutcome } from "./outcome.ts";
import type { CutChoice, Ledger } from "./ports/ledger.ts";

/**
 * What happens to a request for an object that is split, or is being split:
 * docs/decisions/later-requests.md. Nothing here changes the split, its document or its result.
 */
export type LaterRequest = {
  upload: eventData.Upload;
  requested: RequestedCut;
  ledger: Ledger;
  announce: Announce;
  log: Log;
};

/** Whether the request states how to cut. */
const statesHowToCut = ({ segmentSeconds, cut, outputKeyPrefix, fault }: RequestedCut): boolean =>
  [segmentSeconds, cut, outputKeyPrefix, fault].some((value) => value !== undefined);

/**
 * Whether this choice has all values that the request states. Other values don't matter.
 */
export const meets = (choice: CutChoice, { segmentSeconds, cut, outputKeyPrefix, fault }: RequestedCut): boolean =>
  fault === undefined &&
  (segmentSeconds ?? choice.segmentSeconds) === choice.segmentSeconds &&
  (cut ?? choice.cut) === choice.cut &&
  (outputKeyPrefix ?? choice.outputKeyPrefix) === choice.outputKeyPrefix;

/** Announces that the request is refused, and why. */
export async function refuse(
  { upload, requested, announce, log }: LaterRequest,
  reason: RefusalReason,
  choice: CutChoice | undefined,
): Promise<SplitOutcome> {
  const { bucket, key } = upload.source;
  const name = `s3://${bucket}/${key}`;
  const way =
    choice && `segments of ${choice.segmentSeconds} seconds, cut "${choice.cut}", prefix "${choice.outputKeyPrefix}"`;
  const messages: Record<RefusalReason, string> = {
    AlreadySplit: `${name} is split already (${way}), which is kept. To split it in another way, upload it under another key.`,
    AlreadyBegun: `A split of ${name} was begun (${way}), and continues in this way. To split it in another way, upload it under another key.`,
    InvalidRequest: `A split of ${name} is in progress, which isn't affected.`,
  };
  const fault = requested.fault === undefined ? "" : ` ${requested.fault.message}.`;
  const message = `${messages[reason]}${fault}`;
  log.warn(`Refused: ${message}`, { reason });
  await announce("RequestRefused", eventData.refused(upload, reason, message, choice));
  return { outcome: "refused", VideoId: upload.videoId, reason };
}

/** Answers a request for an object that is split. `result` is the outcome of its split. */
export async function answerSplit(request: LaterRequest, result: SplitOutcome): Promise<SplitOutcome> {
  const { choice } = await request.ledger.recall(request.upload.videoId);
  if (choice !== undefined && !meets(choice, request.requested)) return refuse(request, "AlreadySplit", choice);
  request.log.info("Nothing to do: the object is split already");
  return result;
}

/**
 * Answers a request for an object that another delivery works on. `isSame`: both request the same.
 * Throws `BusyError` if it isn't known yet whether and how the other one will cut.
 */
export async function answerBusy(request: LaterRequest, isSame: boolean): Promise<SplitOutcome> {
  const { upload, requested, ledger, log } = request;
  const doNothing = (): SplitOutcome => {
    log.info("Nothing to do: another delivery for this object is in progress");
    return { outcome: "done elsewhere" };
  };
  if (isSame || !statesHowToCut(requested)) return doNothing();
  const { choice } = await ledger.recall(upload.videoId);
  if (choice !== undefined) return meets(choice, requested) ? doNothing() : refuse(request, "AlreadyBegun", choice);
  if (requested.fault !== undefined) return refuse(request, "InvalidRequest", undefined);
  throw new BusyError(
    `Another delivery for s3://${upload.source.bucket}/${upload.source.key} is in progress, and hasn't chosen yet how to cut. ` +
      "This one says how to cut, and is retried.",
  );
}
