import { paginateGetResources, type ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { TAG_KEYS } from "../aws/deployed-names.ts";
import type { FunctionId } from "../topology.ts";

/** ARNs of a stage's functions, and of its dead-letter queues by their function. */
export type StageResources = {
  functions: { arn: string; id: FunctionId }[];
  queues: { arn: string; id: FunctionId }[];
};

/**
 * The stage has no resources, or not the one that an operation needs. `message` says what to do.
 */
export class StageNotFoundError extends Error {
  override name = "StageNotFoundError";
}

/** The service in "arn:aws:SERVICE:REGION:ACCOUNT:…". */
const serviceOf = (arn: string): string => arn.split(":")[2] ?? "";

/**
 * The functions and the dead-letter queues of exactly this stage, by their tags. It takes the
 * permission `tag:GetResources`. Throws `StageNotFoundError` where there are none.
 */
export async function findStageResources(
  tagging: ResourceGroupsTaggingAPIClient,
  stage: string,
): Promise<StageResources> {
  const found: StageResources = { functions: [], queues: [] };
  const filters = {
    TagFilters: [{ Key: TAG_KEYS.stage, Values: [stage] }, { Key: TAG_KEYS.function }],
    ResourceTypeFilters: ["lambda:function", "sqs"],
  };
  for await (const { ResourceTagMappingList = [] } of paginateGetResources({ client: tagging }, filters))
    for (const { ResourceARN: arn = "", Tags = [] } of ResourceTagMappingList) {
      const id = Tags.find(({ Key }) => Key === TAG_KEYS.function)?.Value as FunctionId;
      (serviceOf(arn) === "sqs" ? found.queues : found.functions).push({ arn, id });
    }
  if (found.functions.length > 0 && found.queues.length > 0) return found;
  const region = await tagging.config.region();
  throw new StageNotFoundError(
    `There is no stage "${stage}" in ${region}: no function and queue are tagged ${TAG_KEYS.stage}=${stage}. Check the name, ` +
      `the region and the account. A stage that an earlier version deployed gets its tags by npx sst deploy --stage ${stage}`,
  );
}

/** The ARN of one function. Throws `StageNotFoundError` where there is none, or more than one. */
export function functionArnOf({ functions }: StageResources, id: FunctionId): string {
  const arns = functions.filter((each) => each.id === id).map(({ arn }) => arn);
  if (arns.length === 1) return arns[0]!;
  const what = arns.length === 0 ? "No function is" : `${arns.join(" and ")} are`;
  throw new StageNotFoundError(
    `${what} tagged ${TAG_KEYS.function}=${id}. One must be: deploy the stage again, or remove the tag from the other. ` +
      "A function that was deleted may still be found for some minutes",
  );
}
