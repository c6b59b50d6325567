import { logicalName } from "../../../infra/aws/names.ts";
import { outputKeyRoot, parseSettings, requestSources } from "../../../infra/settings.ts";
import { type Check, isDev, same } from "../check.ts";
import type { Graph, Statement } from "../graph.ts";
import { type Permission, permissionsIn } from "../permissions.ts";

const ROLE = "iam/role:Role";

/** A star that is no wildcard, in a policy's resource. */
const LITERAL_STAR = "$".concat("{*}");

/** All permissions: who may do what to which resource. A new permission must be added here too. */
function expected(graph: Graph): Permission[] {
  const settings = parseSettings(graph.settings);
  const may = (name: string, actions: string[], resource: string): Permission => ({
    function: name,
    actions,
    resources: [resource],
  });
  const own = (name: string): Permission[] => [
    may(name, ["logs:CreateLogStream", "logs:PutLogEvents"], `${name}Log:*`),
    may(name, ["sqs:SendMessage"], `${name}FailuresQueue`),
  ];
  const used = (type: string, name: string): string => graph.used(type, name).name;
  const uploads = used("s3/bucket:Bucket", "UploadsBucket");
  const isOneBucket = graph.topology.buckets.segments.name === graph.topology.buckets.uploads.name;
  const output = isOneBucket ? uploads : used("s3/bucket:Bucket", "SegmentsBucket");
  const decrypting = (name: string, setting: "upload" | "output", actions: string[]): Permission[] => {
    const key = settings[`video_split.${setting}_kms_key`];
    return key === null ? [] : [may(name, actions, key)];
  };
  return [
    may(
      "Split",
      ["s3:GetObject", "s3:GetObjectVersion"],
      // A star in the prefix is a star there, not a wildcard.
      `${uploads}/${settings["video_split.upload_key_prefix"].replace("*", LITERAL_STAR)}*`,
    ),
    may("Split", ["s3:ListBucket"], uploads),
    ...decrypting("Split", "upload", ["kms:Decrypt"]),
    ...decrypting("Split", "output", ["kms:GenerateDataKey", "kms:Decrypt"]),
    ...requestSources(settings).flatMap(({ bucket, prefix }) => [
      may("Split", ["s3:GetObject", "s3:GetObjectVersion"], `arn:aws:s3:::${bucket}/${prefix}*`),
      may("Split", ["s3:ListBucket"], `arn:aws:s3:::${bucket}`),
    ]),
    may("Split", ["s3:PutObject", "s3:AbortMultipartUpload"], `${output}/${outputKeyRoot(settings)}*`),
    may("Split", ["events:PutEvents"], "VideoBusBus"),
    may("Split", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], "LedgerTable"),
    ...own("Split"),
    may("Projector", ["dynamodb:GetItem", "dynamodb:UpdateItem"], used("dynamodb/table:Table", "VideosTable")),
    ...own("Projector"),
    may("Poster", ["s3:GetObject", "s3:GetObjectVersion"], `${output}/${outputKeyRoot(settings)}*`),
    may("Poster", ["s3:ListBucket"], output),
    may("Poster", ["s3:PutObject"], `${output}/${outputKeyRoot(settings)}*.jpg`),
    may("Poster", ["events:PutEvents"], "VideoBusBus"),
    ...decrypting("Poster", "output", ["kms:GenerateDataKey", "kms:Decrypt"]),
    ...own("Poster"),
    may(
      "Reconciler",
      ["s3:GetObject", "s3:GetObjectVersion"],
      `${uploads}/${settings["video_split.upload_key_prefix"].replace("*", LITERAL_STAR)}*`,
    ),
    may("Reconciler", ["s3:ListBucket"], uploads),
    may("Reconciler", ["s3:ListBucketVersions"], uploads),
    ...decrypting("Reconciler", "upload", ["kms:Decrypt"]),
    may("Reconciler", ["events:PutEvents"], "VideoBusBus"),
    may(
      "Reconciler",
      ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DescribeTable"],
      "LedgerTable",
    ),
    ...own("Reconciler"),
    may("Reconciler", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"], "SplitFailuresQueue"),
  ];
}

const isService = (principal: string, service: string): boolean =>
  [`{"Service":["${service}.amazonaws.com"]}`, `{"Service":"${service}.amazonaws.com"}`].includes(principal);

const inOrder = (permissions: Permission[]): string[] => permissions.map((each) => JSON.stringify(each)).sort();

const changing = (change: (statements: Statement[]) => Statement[]) => (graph: Graph) =>
  graph.with(ROLE, (inputs) => ({
    inlinePolicies: ((inputs.inlinePolicies ?? []) as { policy: string }[]).map((each) => {
      const policy = JSON.parse(each.policy) as { Statement: Statement[] };
      return { ...each, policy: JSON.stringify({ ...policy, Statement: change(policy.Statement) }) };
    }),
  }));

export const permissions: Check[] = [
  {
    says: "each function may do what is in the list, and nothing more",
    faults: (graph) => {
      const wanted = inOrder(expected(graph));
      const found = inOrder(permissionsIn(graph));
      return [
        ...found.filter((each) => !wanted.includes(each)).map((each) => `Not in the list: ${each}`),
        ...wanted.filter((each) => !found.includes(each)).map((each) => `Not granted: ${each}`),
        ...same("the number of permissions", found.length, wanted.length),
      ];
    },
    broken: {
      "a permission taken away": changing((statements) => statements.slice(1)),
      "one more": changing((statements) => [
        ...statements,
        { Effect: "Allow", Action: ["s3:DeleteObject"], Resource: ["arn:aws:s3:::other/*"] },
      ]),
      "all actions": changing((statements) => statements.map((each) => ({ ...each, Action: ["s3:*"] }))),
      "all resources": changing((statements) => statements.map((each) => ({ ...each, Resource: ["*"] }))),
    },
    // In `sst dev` the stub may talk to the developer's machine, and the developer may assume the
    // function's role.
    unless: isDev,
  },
  {
    says: "no function has a managed policy, whose permissions aren't listed here",
    faults: (graph) =>
      graph
        .all(ROLE)
        .flatMap(({ name, inputs }) => same(`${name}'s managed policies`, inputs.managedPolicyArns ?? [], [])),
    broken: {
      "SST's own": (graph) =>
        graph.with(ROLE, () => ({
          managedPolicyArns: ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
        })),
    },
  },
  {
    says: "no role can be assumed by another principal than Lambda, and a schedule's by EventBridge Scheduler",
    faults: (graph) => {
      const schedules = graph.topology.schedules.map(({ name }) => `${logicalName(name)}Role`);
      return graph.all(ROLE).flatMap(({ name, inputs }) => {
        const policy = inputs.assumeRolePolicy;
        const { Statement: statements } = (typeof policy === "string" ? JSON.parse(policy) : policy) as {
          Statement: Statement[];
        };
        const principals = statements.map(({ Principal }) => JSON.stringify(Principal));
        return principals
          .filter((principal) => !isService(principal, schedules.includes(name) ? "scheduler" : "lambda"))
          .map((principal) => `${name} can be assumed by ${principal}`);
      });
    },
    broken: {
      "SST's whole account": (graph) =>
        graph.with(ROLE, () => ({
          assumeRolePolicy: JSON.stringify({
            Statement: [{ Principal: { Service: ["lambda.amazonaws.com"], AWS: ["arn:aws:iam::123456789012:root"] } }],
          }),
        })),
    },
    unless: isDev,
  },
  {
    says: "the path of each function's role has its stage's region",
    faults: (graph) => {
      const { stage, providers } = graph.synthesis.app;
      const path = `/video-split/${stage}/${providers.aws.region}/`;
      const found = graph.all(ROLE).filter(({ inputs }) => inputs.path === path).length;
      return same("The number of roles with the stage's path", found, Object.keys(graph.topology.functions).length);
    },
    broken: { "no path": (graph) => graph.with(ROLE, () => ({ path: undefined })) },
  },
];
