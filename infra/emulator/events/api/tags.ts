import * as z from "zod";
import { notFound } from "../exceptions.ts";
import type { BusRecord, RuleRecord, Tags } from "../registry.ts";
import { type Api, operation } from "./operation.ts";
import { arn, tags } from "./shapes.ts";

export const tagsFrom = (list: z.output<typeof tags> = []): Tags =>
  Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));

/** Only rules and buses have tags. */
function taggable({ arns, registry }: Api, resource: string): BusRecord | RuleRecord {
  const rule = arns.ruleIn(resource);
  const found =
    rule === undefined
      ? registry.buses.get(arns.nameIn("event-bus", resource) ?? "")
      : registry.rule(rule.bus, rule.name);
  if (found === undefined) throw notFound(`Resource ${resource}`);
  return found;
}

export const listTagsForResource = operation(z.object({ ResourceARN: arn }), ({ ResourceARN }, api) => ({
  Tags: Object.entries(taggable(api, ResourceARN).tags).map(([Key, Value]) => ({ Key, Value })),
}));

const TagResource = z.object({ ResourceARN: arn, Tags: tags.unwrap() });

export const tagResource = operation(TagResource, ({ ResourceARN, Tags }, api) => {
  const resource = taggable(api, ResourceARN);
  // A spread defines each, also `__proto__`, where Object.assign would set it.
  resource.tags = { ...resource.tags, ...tagsFrom(Tags) };
  api.registry.save();
  return {};
});

const UntagResource = z.object({ ResourceARN: arn, TagKeys: z.array(z.string().min(1).max(128)) });

export const untagResource = operation(UntagResource, ({ ResourceARN, TagKeys }, api) => {
  const resource = taggable(api, ResourceARN);
  for (const key of TagKeys) delete resource.tags[key];
  api.registry.save();
  return {};
});
