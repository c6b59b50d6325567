import { GetResourcesCommand, ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { expect, it, onTestFinished } from "vitest";
import { resourceTags } from "../../../infra/local/resource-tags.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";

it.each(["constructor", "toString", "__proto__"])(
  "given a filter on the key %s, then no resource has it",
  async (Key) => {
    const service = resourceTags([{ arn: "arn:aws:sqs:us-east-1:000000000000:queue", tags: { stage: "local" } }]);
    const endpoint = await serve(service.handle);
    const client = new ResourceGroupsTaggingAPIClient({ endpoint, region: REGION, credentials: CREDENTIALS });
    onTestFinished(() => client.destroy());
    const found = async (key: string) =>
      (await client.send(new GetResourcesCommand({ TagFilters: [{ Key: key }] }))).ResourceTagMappingList;
    expect(await found(Key)).toEqual([]);
    expect(await found("stage")).toHaveLength(1);
  },
);
