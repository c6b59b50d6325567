import manifest from "../../package.json" with { type: "json" };
import type { FunctionId, FunctionSpec, Topology } from "../topology.ts";
import type { Queues } from "./dead-letters.ts";
import { logicalName } from "./names.ts";
import { type Link, ownPermissions } from "./permissions.ts";

type Spec = FunctionSpec<$util.Output<string> | string>;

export type Functions = Record<FunctionId, sst.aws.Function>;

/** The function's own log group: SST's would come with a managed policy that may write to every log of the account. */
const createLogGroup = (id: FunctionId, { logRetentionDays }: Spec): aws.cloudwatch.LogGroup =>
  new aws.cloudwatch.LogGroup(`${logicalName(id)}Log`, {
    name: `/aws/lambda/${$app.name}-${$app.stage}-${id}`,
    retentionInDays: logRetentionDays,
  });

/** Of packages that are shipped beside the bundle, as package.json pins them. */
const versionsOf = (packages: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(manifest.optionalDependencies).filter(([name]) => packages.includes(name)));

function createFunction(id: FunctionId, spec: Spec, links: Link[], queues: Queues): sst.aws.Function {
  const logGroup = createLogGroup(id, spec);
  return new sst.aws.Function(logicalName(id), {
    handler: spec.handler,
    description: spec.description,
    runtime: "nodejs24.x",
    architecture: spec.architecture,
    timeout: `${spec.timeoutSeconds} seconds`,
    memory: `${spec.memoryMB} MB`,
    storage: `${spec.storageMB} MB`,
    ...(spec.concurrency !== undefined && { concurrency: { reserved: spec.concurrency } }),
    environment: spec.environment,
    nodejs: { format: "esm", minify: true, install: versionsOf(spec.packages) },
    link: [...links, ownPermissions(id, spec, queues, logGroup)],
    logging: { logGroup: logGroup.name },
    retries: spec.retry.attempts,
    transform: {
      role: (role) => {
        // The managed policy for logs: ownPermissions() says the same of this function's log alone.
        role.managedPolicyArns = [];
        // SST 4.17.1 lets the whole account assume every function's role, which it needs for `sst dev` alone.
        if (!$dev) role.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
        return undefined;
      },
      eventInvokeConfig: {
        maximumEventAgeInSeconds: spec.retry.maxAgeSeconds,
        destinationConfig: { onFailure: { destination: queues[spec.failures].arn } },
      },
    },
  });
}

/** The topology's functions, each with these links. */
export const createFunctions = (
  { functions }: Topology<$util.Output<string>>,
  links: Record<FunctionId, Link[]>,
  queues: Queues,
): Functions => ({
  split: createFunction("split", functions.split, links.split, queues),
  projector: createFunction("projector", functions.projector, links.projector, queues),
});
