import * as z from "zod";
import { limitExceeded } from "../exceptions.ts";
import { isJsonPath } from "../json-path.ts";
import type { RuleRecord } from "../registry.ts";
import { type Target, transformerOf } from "../target.ts";
import { unknownPlaceholders } from "../target-input.ts";
import { busOf, operation, ruleOf } from "./operation.ts";
import { page } from "./paging.ts";
import { arn, busNameOrArn, paging, ruleName } from "./shapes.ts";

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const MAX_TARGETS = 5;

const TARGET_ID = /^[.\-_A-Za-z0-9]{1,64}$/;
const TARGET_ARN = /^arn:[\w+=/,.@-]+:[\w+=/,.@-]+:[\w+=/,.@-]*:[0-9]*:.+$/;

/** Parameters of targets that aren't emulated are stored and returned, not used. */
const TargetShape = z.looseObject({
  Id: z.string(),
  Arn: z.string(),
  Input: z.string().max(8_192).exactOptional(),
  InputPath: z.string().max(256).exactOptional(),
  InputTransformer: z
    .object({
      InputPathsMap: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,256}$/), z.string().max(256)).exactOptional(),
      InputTemplate: z.string().min(1).max(8_192),
    })
    .exactOptional(),
  DeadLetterConfig: z.object({ Arn: arn.exactOptional() }).exactOptional(),
  RetryPolicy: z
    .object({
      MaximumRetryAttempts: z.int().min(0).max(185).exactOptional(),
      MaximumEventAgeInSeconds: z.int().min(60).max(86_400).exactOptional(),
    })
    .exactOptional(),
});

const OfRule = z.object({ Rule: ruleName, EventBusName: busNameOrArn.optional() });
const PutTargets = OfRule.extend({ Targets: z.array(TargetShape).min(1).max(100) });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What is wrong with a target, or undefined. */
function fault({ Id, Arn, Input, InputPath, InputTransformer }: Target): string | undefined {
  if (!TARGET_ID.test(Id)) return `Target id ${Id} must be 1 to 64 characters of [.\\-_A-Za-z0-9].`;
  if (!TARGET_ARN.test(Arn)) return `Parameter ${Arn} is not valid. Reason: Provided Arn is not in correct format.`;
  if ([Input, InputPath, InputTransformer].filter((setting) => setting !== undefined).length > 1) {
    return `Only one of Input, InputPath, or InputTransformer must be provided for target ${Id}.`;
  }
  if (Input !== undefined && !isJson(Input)) return `JSON syntax error in Input for target ${Id}.`;
  const paths = [InputPath ?? "$", ...Object.values(InputTransformer?.InputPathsMap ?? {})];
  const wrongPath = paths.find((path) => !isJsonPath(path));
  if (wrongPath !== undefined) return `Invalid InputPath for target ${Id}: ${wrongPath}.`;
  if (InputTransformer === undefined) return undefined;
  const [unknown] = unknownPlaceholders(transformerOf(InputTransformer));
  return unknown && `InputTemplate for target ${Id} contains invalid placeholder ${unknown}.`;
}

function putTarget(rule: RuleRecord, target: Target): void {
  const at = rule.targets.findIndex(({ target: { Id } }) => Id === target.Id);
  if (at === -1) rule.targets.push({ target, managed: false });
  else rule.targets[at] = { target, managed: rule.targets[at]?.managed ?? false };
}

export const putTargets = operation(PutTargets, ({ Rule, EventBusName, Targets }, api) => {
  const rule = ruleOf(api, EventBusName, Rule);
  const ids = new Set([...rule.targets.map(({ target }) => target.Id), ...Targets.map(({ Id }) => Id)]);
  if (ids.size > MAX_TARGETS) {
    throw limitExceeded();
  }
  const FailedEntries: object[] = [];
  for (const target of Targets) {
    const ErrorMessage = fault(target);
    if (ErrorMessage === undefined) putTarget(rule, target);
    else FailedEntries.push({ TargetId: target.Id, ErrorCode: "ValidationException", ErrorMessage });
  }
  api.registry.save();
  return { FailedEntryCount: FailedEntries.length, FailedEntries };
});

const RemoveTargets = OfRule.extend({ Ids: z.array(z.string().min(1).max(64)).min(1).max(100) });

export const removeTargets = operation(RemoveTargets, ({ Rule, EventBusName, Ids }, api) => {
  const rule = ruleOf(api, EventBusName, Rule);
  const known = new Set(rule.targets.map(({ target }) => target.Id));
  rule.targets = rule.targets.filter(({ target }) => !Ids.includes(target.Id));
  api.registry.save();
  const FailedEntries = Ids.filter((id) => !known.has(id)).map((TargetId) => ({
    TargetId,
    ErrorCode: "ResourceNotFoundException",
    ErrorMessage: `Target ${TargetId} does not exist on rule ${Rule}.`,
  }));
  return { FailedEntryCount: FailedEntries.length, FailedEntries };
});

export const listTargetsByRule = operation(OfRule.extend(paging), ({ Rule, EventBusName, ...where }, api) => {
  const targets = ruleOf(api, EventBusName, Rule).targets.map(({ target }) => target);
  targets.sort((a, b) => (a.Id < b.Id ? -1 : 1));
  const { shown, ...next } = page(targets, ({ Id }) => Id, where);
  return { Targets: shown, ...next };
});

const OfTarget = z.object({ TargetArn: arn, EventBusName: busNameOrArn.optional(), ...paging });

export const listRuleNamesByTarget = operation(OfTarget, ({ TargetArn, EventBusName, ...where }, api) => {
  const rules = api.registry.rulesOf(busOf(api, EventBusName).name);
  const names = rules.filter(({ targets }) => targets.some(({ target }) => target.Arn === TargetArn));
  const { shown, ...next } = page(names, ({ name }) => name, where);
  return { RuleNames: shown.map(({ name }) => name), ...next };
});
