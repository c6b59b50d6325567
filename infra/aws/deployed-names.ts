import type { FunctionId } from "../topology.ts";

/** SST's name of this app. */
export const APP = "video-split";

/** The video bus's name, and the prefix of the stage's other resources that SST doesn't name. */
export const stageName = (stage: string): string => `${APP}-${stage}`;

export const archiveName = (stage: string): string => `${stageName(stage)}-log`;

/** The stage whose settings the local stack has. */
export const LOCAL_STAGE = "local";

/**
 * Keys of the tags by which `infra/operations` finds the functions and the dead-letter queues of
 * one stage.
 */
export const TAG_KEYS = { stage: "video-split:stage", function: "video-split:function" } as const;

/**
 * Tags of a function, and of the queues that hold its dead letters. SST's physical names can't
 * distinguish stages: "dev-2" begins with "dev", and names of long stages are shortened.
 */
export const tagsOf = (stage: string, id: FunctionId | (string & {})): Record<string, string> => ({
  [TAG_KEYS.stage]: stage,
  [TAG_KEYS.function]: id,
});
