import { randomUUID } from "node:crypto";
import { json } from "node:stream/consumers";
import * as z from "zod";
import { tagsOf } from "../aws/deployed-names.ts";
import { functionOfQueue } from "../aws/queues.ts";
import { functionArn, queueArn } from "../emulator/arns.ts";
import { type Service, TAGS_TARGET_PREFIX } from "../emulator/front.ts";
import type { FunctionId, QueueId, Topology } from "../topology.ts";

export type TaggedResource = { arn: string; tags: Readonly<Record<string, string>> };

/** The functions and queues of a topology with the tags that infra/aws gives them. */
export function taggedResources(topology: Topology<string>, stage: string, region: string): TaggedResource[] {
  const functions = Object.keys(topology.functions) as FunctionId[];
  const queues = Object.keys(topology.queues) as QueueId[];
  return [
    ...functions.map((id) => ({ arn: functionArn(region, id), tags: tagsOf(stage, id) })),
    ...queues.map((id) => ({ arn: queueArn(region, id), tags: tagsOf(stage, functionOfQueue(topology, id)) })),
  ];
}

const MAX_PAGE = 100;

const GetResources = z.object({
  PaginationToken: z.string().default(""),
  ResourcesPerPage: z.int().min(1).max(MAX_PAGE).default(MAX_PAGE),
  /** A resource must match all of them: has the key, and one of the values where any are named. */
  TagFilters: z.array(z.object({ Key: z.string(), Values: z.array(z.string()).default([]) })).default([]),
  /** "sqs", or "lambda:function": service, and type of resource. */
  ResourceTypeFilters: z.array(z.string()).default([]),
});

/**
 * "lambda:function" of "arn:aws:lambda:REGION:ACCOUNT:function:NAME"; a queue's ARN names no type.
 */
function typeOf(arn: string): string {
  const [, , service = "", , , type = "", name] = arn.split(":");
  return name === undefined ? service : `${service}:${type}`;
}

function pageOf(resources: readonly TaggedResource[], input: z.output<typeof GetResources>): object {
  const { PaginationToken, ResourcesPerPage, TagFilters, ResourceTypeFilters } = input;
  const found = resources.filter(({ arn, tags }) => {
    const ofType = ResourceTypeFilters.some((filter) => `${typeOf(arn)}:`.startsWith(`${filter}:`));
    const tagged = TagFilters.every(
      ({ Key, Values }) => Object.hasOwn(tags, Key) && (Values.length === 0 || Values.includes(tags[Key] ?? "")),
    );
    return tagged && (ofType || ResourceTypeFilters.length === 0);
  });
  const begin = Number(PaginationToken);
  const end = begin + ResourcesPerPage;
  return {
    ResourceTagMappingList: found.slice(begin, end).map(({ arn, tags }) => ({
      ResourceARN: arn,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    })),
    PaginationToken: end < found.length ? String(end) : "",
  };
}

/**
 * GetResources of the Resource Groups Tagging API, on a list of resources:
 * https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
 */
export function resourceTags(resources: readonly TaggedResource[]): Service {
  const answer = (target: string, input: unknown): { status: number; body: object } => {
    const refusal = (code: string, message: string) => ({ status: 400, body: { __type: code, message } });
    if (target !== `${TAGS_TARGET_PREFIX}GetResources`)
      return refusal("UnknownOperationException", `The local tagging API has GetResources only, not "${target}".`);
    const parsed = GetResources.safeParse(input);
    return parsed.success
      ? { status: 200, body: pageOf(resources, parsed.data) }
      : refusal("InvalidParameterException", z.prettifyError(parsed.error));
  };
  return {
    handle: async (request, response) => {
      const { status, body } = answer(String(request.headers["x-amz-target"]), await json(request).catch(() => null));
      const headers = { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() };
      response.writeHead(status, headers).end(JSON.stringify(body));
    },
  };
}
