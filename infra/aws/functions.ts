import { BUNDLING, PROGRAM_PACKAGES } from "../packaging/bundling.ts";
import { PackagingError, preparePackage } from "../packaging/index.ts";
import type { FunctionId, FunctionSpec, Topology } from "../topology.ts";
import type { Queues } from "./dead-letter-queues.ts";
import { tagsOf } from "./deployed-names.ts";
import { logicalName } from "./names.ts";
import { type Link, ownPermissions } from "./permissions.ts";
import { environmentOf } from "./queues.ts";

type Spec = FunctionSpec<$util.Output<string> | string>;

export type Functions = Record<FunctionId, sst.aws.Function>;

/**
 * The function's own log group: SST's would come with a managed policy that may write to every log
 * of the account.
 */
const createLogGroup = (id: FunctionId, { logRetentionDays }: Spec): aws.cloudwatch.LogGroup =>
  new aws.cloudwatch.LogGroup(`${logicalName(id)}Log`, {
    name: `/aws/lambda/${$app.name}-${$app.stage}-${id}`,
    retentionInDays: logRetentionDays,
  });

/**
 * Adds its programs to a built function, instead of SST's `nodejs.install`, whose `npm install`
 * fails with npm 12. Throws an error that SST shows as its message, without a stack trace.
 */
const prepare = async (directory: string, spec: Spec): Promise<void> => {
  try {
    await preparePackage(directory, spec, { root: $cli.paths.root, environment: process.env });
  } catch (error) {
    throw error instanceof PackagingError ? new $util.RunError(error.message) : error;
  }
};

type FunctionContext = { links: Record<FunctionId, Link[]>; queues: Queues; rolePath: string };

function createFunction(id: FunctionId, spec: Spec, { links, queues, rolePath }: FunctionContext): sst.aws.Function {
  const logGroup = createLogGroup(id, spec);
  return new sst.aws.Function(logicalName(id), {
    handler: spec.handler,
    description: spec.description,
    runtime: "nodejs24.x",
    architecture: spec.architecture,
    timeout: `${spec.timeoutSeconds} seconds`,
    memory: `${spec.memoryMB} MB`,
    storage: `${spec.storageMB} MB`,
    // In `sst dev` each function is a stub.
    ...(spec.concurrency !== undefined && !$dev && { concurrency: { reserved: spec.concurrency } }),
    environment: environmentOf(spec, (id) => queues[id].url),
    nodejs: {
      format: BUNDLING.format,
      minify: BUNDLING.minify,
      esbuild: { target: BUNDLING.target, keepNames: BUNDLING.keepNames, external: [...PROGRAM_PACKAGES] },
    },
    hook: { postbuild: (directory) => prepare(directory, spec) },
    link: [...links[id], ownPermissions(id, spec, queues, logGroup)],
    logging: { logGroup: logGroup.name },
    retries: spec.retry.attempts,
    tags: tagsOf($app.stage, id),
    transform: {
      role: (role) => {
        // Without the managed policy for logs: ownPermissions() allows this function's log only.
        role.managedPolicyArns = [];
        role.path = rolePath;
        // SST 4.17.1 lets the whole account assume every function's role, which it needs for
        // `sst dev` alone.
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

/** The topology's functions, each with its links. `rolePath`: IAM's path of their roles. */
export const createFunctions = (
  { functions }: Topology<$util.Output<string>>,
  context: FunctionContext,
): Functions => ({
  split: createFunction("split", functions.split, context),
  projector: createFunction("projector", functions.projector, context),
  reconciler: createFunction("reconciler", functions.reconciler, context),
  poster: createFunction("poster", functions.poster, context),
});
