import { type EventBridgeClient, ListRulesCommand, ListTargetsByRuleCommand } from "@aws-sdk/client-eventbridge";
import { GetFunctionConfigurationCommand, type LambdaClient } from "@aws-sdk/client-lambda";

/** The projector of one deployment, and the rules by which it hears of events. */
export type Projector = { functionArn: string; ruleArns: string[] };

/** No projector hears of this bus, or it isn't one of ours. */
export class ProjectorNotFoundError extends Error {
  override name = "ProjectorNotFoundError";
}

/** Looks through the rules of a bus. Throws `ProjectorNotFoundError`. */
export async function findProjector(events: EventBridgeClient, bus: string): Promise<Projector> {
  const ruleArns: string[] = [];
  let functionArn: string | undefined;
  let NextToken: string | undefined;
  do {
    const page = await events.send(new ListRulesCommand({ EventBusName: bus, NextToken }));
    for (const { Name, Arn } of page.Rules ?? []) {
      const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ EventBusName: bus, Rule: Name }));
      const target = Targets.find(({ Arn: arn = "" }) => /:function:.*projector/i.test(arn));
      if (Arn === undefined || target === undefined) continue;
      functionArn = target.Arn;
      ruleArns.push(Arn);
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  if (functionArn === undefined)
    throw new ProjectorNotFoundError(`No rule of bus ${bus} leads to a projector. Is this the right bus?`);
  return { functionArn, ruleArns };
}

/** The table that a projector writes its documents to, as it says itself: whatever one is looked at, it's never another. */
export async function documentsTableOf(lambda: LambdaClient, { functionArn }: Projector): Promise<string> {
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionArn }));
  const table = Environment?.Variables?.DYNAMODB_TABLE_ID;
  if (table === undefined)
    throw new ProjectorNotFoundError(`${functionArn} has no DYNAMODB_TABLE_ID in its environment: it's none of ours`);
  return table;
}
