import type { Names } from "../topology.ts";

/** Names of the local stack's resources. */
export const LOCAL_NAMES: Names<string> = {
  uploads: "video-split-uploads",
  segments: "video-split-segments",
  bus: "video-split",
  videos: "video-split-videos",
  ledger: "video-split-ledger",
  archive: "video-split-log",
  metrics: "VideoSplit",
};

/** A local stack accepts any credentials. */
export const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };
