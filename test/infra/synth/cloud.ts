import type { SynthInput } from "./contract.ts";

export const ACCOUNT = "123456789012";

type Requested = { type: string; name: string; inputs: Record<string, unknown>; id: string | undefined };

/** ARN and id of what was made or looked up, by Pulumi's type; of the shape that AWS gives them. */
function identityOf(
  { type, name, inputs, id }: Requested,
  region: string,
): { id: string; [property: string]: unknown } {
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`;
  const called = String(inputs.name ?? id ?? name);
  switch (type) {
    case "aws:s3/bucket:Bucket": {
      const bucket = String(inputs.bucket ?? id);
      return { id: bucket, bucket, arn: `arn:aws:s3:::${bucket}` };
    }
    case "aws:sqs/queue:Queue":
      return {
        id: `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${called}`,
        arn: arn("sqs", called),
        name: called,
        url: `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${called}`,
      };
    case "aws:dynamodb/table:Table":
      return { id: called, name: called, arn: arn("dynamodb", `table/${called}`) };
    case "aws:cloudwatch/eventBus:EventBus":
      return { id: called, name: called, arn: arn("events", `event-bus/${called}`) };
    case "aws:cloudwatch/eventRule:EventRule": {
      const bus = inputs.eventBusName === "default" ? "" : `${inputs.eventBusName}/`;
      return { id: `${bus}${called}`, name: called, arn: arn("events", `rule/${bus}${called}`) };
    }
    case "aws:lambda/function:Function":
      return {
        id: called,
        name: called,
        arn: arn("lambda", `function:${called}`),
        qualifiedArn: arn("lambda", `function:${called}:1`),
        invokeArn: arn("apigateway", `lambda/${called}`),
        lastModified: "",
        version: "1",
      };
    case "aws:iam/role:Role":
      return { id: called, name: called, arn: `arn:aws:iam::${ACCOUNT}:role${inputs.path ?? "/"}${called}` };
    case "aws:cloudwatch/logGroup:LogGroup":
      return { id: called, name: called, arn: arn("logs", `log-group:${called}`) };
    case "aws:sns/topic:Topic":
      return { id: arn("sns", called), name: called, arn: arn("sns", called) };
    default:
      return { id: id ?? called, arn: `arn:aws:synth:::${type}/${called}` };
  }
}

/** What the cloud knows of a resource after it was made or looked up. */
export function createdBy(resource: Requested, synth: SynthInput): { id: string; state: Record<string, unknown> } {
  const { id, ...identity } = identityOf(resource, synth.app.providers.aws.region);
  const found = resource.id === undefined ? {} : synth.found[resource.type];
  return { id, state: { ...resource.inputs, ...found, ...identity } };
}

type Statement = {
  effect?: string;
  actions?: string[];
  resources?: string[];
  principals?: { type: string; identifiers: string[] }[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

const asJson = ({ effect, actions, resources, principals, conditions }: Statement) => ({
  Effect: effect ?? "Allow",
  Action: actions,
  Resource: resources,
  ...(principals && { Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])) }),
  ...(conditions && {
    Condition: Object.fromEntries(conditions.map(({ test, variable, values }) => [test, { [variable]: values }])),
  }),
});

/** Answers a data source, as the AWS provider would. */
export function answerCall(token: string, inputs: Record<string, unknown>, synth: SynthInput): Record<string, unknown> {
  const { region } = synth.app.providers.aws;
  switch (token) {
    case "aws:iam/getPolicyDocument:getPolicyDocument": {
      const statements = (inputs.statements ?? []) as Statement[];
      // SST leaves out a policy whose answer has no `statements`.
      return { statements, json: JSON.stringify({ Version: "2012-10-17", Statement: statements.map(asJson) }) };
    }
    case "aws:cloudwatch/getEventBus:getEventBus":
      return {
        id: inputs.name,
        name: inputs.name,
        arn: `arn:aws:events:${region}:${ACCOUNT}:event-bus/${inputs.name}`,
      };
    case "aws:iam/getRoles:getRoles": {
      const all = (synth.found[token]?.arns ?? []) as string[];
      const arns = all.filter((each) => each.includes(`:role${inputs.pathPrefix}`));
      return { id: region, arns, names: arns.map((each) => each.split("/").at(-1)) };
    }
    case "aws:index/getPartition:getPartition":
      return { id: "aws", partition: "aws", dnsSuffix: "amazonaws.com" };
    case "aws:index/getRegion:getRegion":
      return { id: region, region, name: region };
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { id: ACCOUNT, accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/deployer`, userId: "deployer" };
    default:
      throw new Error(`The simulated cloud doesn't support ${token}`);
  }
}
