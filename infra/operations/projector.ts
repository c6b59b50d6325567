import { DescribeRuleCommand, type EventBridgeClient, ListRuleNamesByTargetCommand } from "@aws-sdk/client-eventbridge";
import { GetFunctionConfigurationCommand, type LambdaClient } from "@aws-sdk/client-lambda";

/** No rule of the bus delivers to the projector, or the function isn't a projector. */
export class ProjectorNotFoundError extends Error {
  override name = "ProjectorNotFoundError";
}

/**
 * ARNs of the bus's rules that deliver to exactly this function. Throws `ProjectorNotFoundError`
 * where there are none.
 */
export async function rulesTo(events: EventBridgeClient, EventBusName: string, TargetArn: string): Promise<string[]> {
  const arns: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await events.send(new ListRuleNamesByTargetCommand({ EventBusName, TargetArn, NextToken }));
    for (const Name of page.RuleNames ?? []) {
      const { Arn } = await events.send(new DescribeRuleCommand({ EventBusName, Name }));
      if (Arn !== undefined) arns.push(Arn);
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  if (arns.length > 0) return arns;
  throw new ProjectorNotFoundError(`No rule of bus ${EventBusName} delivers to ${TargetArn}. Deploy the stage again`);
}

/**
 * The table that the projector writes its documents to, as its configuration says. Throws
 * `ProjectorNotFoundError`.
 */
export async function documentsTableOf(lambda: LambdaClient, functionArn: string): Promise<string> {
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionArn }));
  const table = Environment?.Variables?.DYNAMODB_TABLE_ID;
  if (table === undefined)
    throw new ProjectorNotFoundError(
      `${functionArn} has no DYNAMODB_TABLE_ID in its environment: it isn't a projector`,
    );
  return table;
}
