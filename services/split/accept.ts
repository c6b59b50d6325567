import { RejectedVideo } from "../video/errors.ts";
import type { Upload } from "../video/event-data.ts";
import { overridesOf } from "../video/overrides.ts";
import type { StoredObject } from "../video/ports/stored-objects.ts";
import { MAX_KEY_BYTES, maxKeyBytes, prefixFault } from "../video/segment-keys.ts";
import { isSegmentLength, segmentLengthRule } from "../video/segment-length.ts";
import { nameOf } from "../video/source.ts";
import type { SplitSettings } from "./dependencies.ts";
import type { FoundSource } from "./find-source.ts";
import type { CutChoice } from "./ports/ledger.ts";
import type { SplitRequest } from "./requests.ts";

/**
 * What a request, or otherwise the object's own metadata, states. Undefined: the setting is used.
 */
export type RequestedCut = { [K in keyof CutChoice]: CutChoice[K] | undefined } & {
  /** What is wrong with the request or the metadata: a sentence without its full stop. */
  fault: { reason: "InvalidRequest" | "InvalidOverride"; message: string } | undefined;
};

const NOTHING: RequestedCut = {
  segmentSeconds: undefined,
  cut: undefined,
  outputKeyPrefix: undefined,
  fault: undefined,
};

/**
 * The values of the request, or else those of the object's metadata. A continuation states none:
 * the cut was chosen when the split began.
 */
export function requestedCut(request: SplitRequest, stored: StoredObject | undefined): RequestedCut {
  if (request.continuation !== undefined) return NOTHING;
  const { overrides, faults } = overridesOf(stored?.metadata ?? {});
  const override =
    (request.segmentSeconds === undefined ? faults.segmentSeconds : undefined) ??
    (request.cut === undefined ? faults.cut : undefined);
  const fault = request.fault?.message ?? override;
  return {
    segmentSeconds: request.segmentSeconds ?? overrides.segmentSeconds,
    cut: request.cut ?? overrides.cut,
    outputKeyPrefix: request.outputKeyPrefix,
    fault:
      fault === undefined
        ? undefined
        : { reason: request.fault === undefined ? "InvalidOverride" : "InvalidRequest", message: fault },
  };
}

/**
 * Decides whether the object is split and how, from the request and the object's data in S3.
 * `begunWith` is the choice of an earlier attempt, which is kept. The order of the checks is the
 * one in services/projector/domain/rejections.ts. Throws `RejectedVideo` and
 * `SourceUnavailableError`.
 */
export function accept(
  upload: Upload,
  { stored, unavailable }: FoundSource,
  requested: RequestedCut,
  begunWith: CutChoice | undefined,
  settings: SplitSettings,
): CutChoice {
  const name = `s3://${upload.source.bucket}/${upload.source.key}`;
  if (requested.fault?.reason === "InvalidRequest")
    throw new RejectedVideo("InvalidRequest", `${requested.fault.message}. Correct it and request the split again.`);
  if (unavailable !== undefined) throw unavailable;
  if (stored === undefined)
    throw new RejectedVideo("SourceNotFound", `${name} doesn't exist, or no longer does. Upload it again.`);
  if (stored.bytes === 0) throw new RejectedVideo("EmptyObject", `${name} has 0 bytes. Upload the video again.`);
  if (stored.bytes > settings.largestObjectBytes) {
    const limit = `video_split.largest_object_bytes is ${settings.largestObjectBytes}`;
    throw new RejectedVideo(
      "TooLarge",
      `${name} has ${stored.bytes} bytes, and ${limit}. Raise it, or upload the video in parts.`,
    );
  }
  return begunWith ?? choiceOf(upload, requested, settings);
}

const invalid = (what: string): RejectedVideo =>
  new RejectedVideo(
    "InvalidOverride",
    `${what}. Upload the video again with it corrected, or request the split with another value.`,
  );

function choiceOf(upload: Upload, requested: RequestedCut, settings: SplitSettings): CutChoice {
  if (requested.fault !== undefined) throw invalid(requested.fault.message);
  const segmentSeconds = requested.segmentSeconds ?? settings.segmentSeconds;
  if (!isSegmentLength(segmentSeconds))
    throw invalid(`The requested segment length is ${segmentSeconds}; ${segmentLengthRule}`);
  const outputKeyPrefix = requested.outputKeyPrefix ?? settings.outputKeyPrefix;
  assertPrefix(outputKeyPrefix, upload, settings);
  return { segmentSeconds, cut: requested.cut ?? settings.cut, outputKeyPrefix };
}

/** Checked before it is recorded, because later attempts use the first attempt's prefix. */
function assertPrefix(prefix: string, { videoId, source }: Upload, settings: SplitSettings): void {
  const what = `The output prefix is ${JSON.stringify(prefix)}`;
  const fault = prefixFault(prefix);
  if (fault !== undefined) throw invalid(`${what}; it ${fault}`);
  if (!prefix.startsWith(settings.outputKeyRoot)) {
    const { outputBucket, outputKeyRoot } = settings;
    throw invalid(
      `${what}; in bucket ${outputBucket} it must start with "${outputKeyRoot}", because this service may write only there`,
    );
  }
  const bytes = maxKeyBytes(prefix, { videoName: nameOf(source.key).name, videoId });
  if (bytes > MAX_KEY_BYTES) {
    throw invalid(
      `${what}; the segments' keys would have ${bytes} bytes, and a key in S3 has at most ${MAX_KEY_BYTES}`,
    );
  }
}
