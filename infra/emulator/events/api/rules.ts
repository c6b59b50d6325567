import * as z from "zod";
import { invalid, limitExceeded } from "../exceptions.ts";
import { hasWildcards } from "../pattern/wildcard-complexity.ts";
import type { RuleRecord } from "../registry.ts";
import { type Api, busOf, operation, patternFrom, present, ruleOf } from "./operation.ts";
import { page } from "./paging.ts";
import { arn, busNameOrArn, description, eventPattern, paging, ruleName, tags } from "./shapes.ts";
import { tagsFrom } from "./tags.ts";

const Named = z.object({ Name: ruleName, EventBusName: busNameOrArn.optional() });

const State = z.enum(["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"]);

const PutRule = Named.extend({
  ScheduleExpression: z.string().max(256).optional(),
  EventPattern: eventPattern,
  State: State.default("ENABLED"),
  Description: description,
  RoleArn: arn.optional(),
  Tags: tags,
});

/**
 * Of an event bus. Those with wildcards can't be raised.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */
const MAX_RULES = 300;
const MAX_RULES_WITH_WILDCARDS = 30;

/** Throws where the bus has its maximum number of rules. */
function assertRoom(api: Api, bus: string, name: string, pattern: string): void {
  const others = api.registry.rulesOf(bus).filter((rule) => rule.name !== name);
  if (others.length >= MAX_RULES) throw limitExceeded();
  const isWild = (text: string): boolean => hasWildcards(JSON.parse(text));
  if (isWild(pattern) && others.filter((rule) => isWild(rule.pattern)).length >= MAX_RULES_WITH_WILDCARDS)
    throw limitExceeded();
}

export const putRule = operation(PutRule, (input, api) => {
  const { Name, EventPattern, Description, RoleArn } = input;
  if (input.ScheduleExpression) throw invalid("ScheduleExpression is not supported by the local EventBridge.");
  if (!EventPattern) throw invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  const bus = busOf(api, input.EventBusName).name;
  const before = api.registry.rule(bus, Name);
  patternFrom(EventPattern);
  assertRoom(api, bus, Name, EventPattern);
  api.registry.putRule({
    name: Name,
    bus,
    pattern: EventPattern,
    state: input.State,
    ...(Description !== undefined && { description: Description }),
    ...(RoleArn !== undefined && { roleArn: RoleArn }),
    // Tags of an existing rule stay as they are, as the API says.
    tags: before?.tags ?? tagsFrom(input.Tags),
    targets: before?.targets ?? [],
    managed: before?.managed ?? false,
  });
  api.registry.save();
  return { RuleArn: api.arns.rule(bus, Name) };
});

const shown = (rule: RuleRecord, { arns }: Api) =>
  present({
    Name: rule.name,
    Arn: arns.rule(rule.bus, rule.name),
    EventPattern: rule.pattern,
    State: rule.state,
    Description: rule.description,
    RoleArn: rule.roleArn,
    EventBusName: rule.bus,
  });

export const describeRule = operation(Named, ({ Name, EventBusName }, api) => ({
  ...shown(ruleOf(api, EventBusName, Name), api),
  CreatedBy: api.options.account,
}));

const ListRules = z.object({ NamePrefix: ruleName.optional(), EventBusName: busNameOrArn.optional(), ...paging });

export const listRules = operation(ListRules, ({ NamePrefix = "", EventBusName, ...where }, api) => {
  const rules = api.registry.rulesOf(busOf(api, EventBusName).name).filter(({ name }) => name.startsWith(NamePrefix));
  const { shown: some, ...next } = page(rules, ({ name }) => name, where);
  return { Rules: some.map((rule) => shown(rule, api)), ...next };
});

/** Deleting a rule that doesn't exist isn't an error. */
export const deleteRule = operation(Named, ({ Name, EventBusName }, api) => {
  const bus = busOf(api, EventBusName).name;
  const rule = api.registry.rule(bus, Name);
  if (rule === undefined) return {};
  if (rule.targets.length > 0) throw invalid("Rule can't be deleted since it has targets.");
  api.registry.deleteRule(bus, Name);
  api.registry.save();
  return {};
});

const withState = (state: RuleRecord["state"]) =>
  operation(Named, ({ Name, EventBusName }, api) => {
    ruleOf(api, EventBusName, Name).state = state;
    api.registry.save();
    return {};
  });

export const enableRule = withState("ENABLED");
export const disableRule = withState("DISABLED");
