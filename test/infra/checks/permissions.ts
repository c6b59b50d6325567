import { outputKeyRoot, parseSettings, requestSources } from "../../../infra/settings.ts";
import { type Check, isDev, same } from "../check.ts";
import type { Graph, Statement } from "../graph.ts";
import { type Permission, permissionsIn } from "../permissions.ts";

const ROLE = "iam/role:Role";

/** A star that is no wildcard, in a policy's resource. */
const LITERAL_STAR = "$".concat("{*}");

/** All that may be done, by whom, to what: whoever adds a permission writes it down here too. */
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
  const { uploads, segments } = graph.topology.buckets;
  const output = segments.name === uploads.name ? "UploadsBucket" : "SegmentsBucket";
  return [
    may(
      "Split",
      ["s3:GetObject", "s3:GetObjectVersion"],
      // A star in the prefix is a star there, not a wildcard.
      `UploadsBucket/${settings["video_split.upload_key_prefix"].replace("*", LITERAL_STAR)}*`,
    ),
    may("Split", ["s3:ListBucket"], "UploadsBucket"),
    ...requestSources(settings).flatMap(({ bucket, prefix }) => [
      may("Split", ["s3:GetObject", "s3:GetObjectVersion"], `arn:aws:s3:::${bucket}/${prefix}*`),
      may("Split", ["s3:ListBucket"], `arn:aws:s3:::${bucket}`),
    ]),
    may("Split", ["s3:PutObject", "s3:AbortMultipartUpload"], `${output}/${outputKeyRoot(settings)}*`),
    may("Split", ["events:PutEvents"], "VideoBusBus"),
    may("Split", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], "LedgerTable"),
    ...own("Split"),
    may("Projector", ["dynamodb:GetItem", "dynamodb:UpdateItem"], "VideosTable"),
    ...own("Projector"),
    may(
      "Reconciler",
      ["s3:GetObject", "s3:GetObjectVersion"],
      `UploadsBucket/${settings["video_split.upload_key_prefix"].replace("*", LITERAL_STAR)}*`,
    ),
    may("Reconciler", ["s3:ListBucket"], "UploadsBucket"),
    may("Reconciler", ["s3:ListBucketVersions"], "UploadsBucket"),
    may("Reconciler", ["events:PutEvents"], "VideoBusBus"),
    may(
      "Reconciler",
      ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DescribeTable"],
      "LedgerTable",
    ),
    ...own("Reconciler"),
  ];
}

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
    // `sst dev` lets the stub talk to the developer's machine, and the developer act as the function.
    unless: isDev,
  },
  {
    says: "no function has a managed policy, whose permissions nobody here has written down",
    faults: (graph) =>
      graph.all(ROLE).flatMap(({ name, inputs }) => same(`${name}'s managed policies`, inputs.managedPolicyArns, [])),
    broken: {
      "SST's own": (graph) =>
        graph.with(ROLE, () => ({
          managedPolicyArns: ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
        })),
    },
  },
  {
    says: "no role can be assumed by anybody but Lambda",
    faults: (graph) =>
      graph.all(ROLE).flatMap(({ name, inputs }) => {
        const policy = inputs.assumeRolePolicy;
        const { Statement: statements } = (typeof policy === "string" ? JSON.parse(policy) : policy) as {
          Statement: Statement[];
        };
        const principals = statements.map(({ Principal }) => JSON.stringify(Principal));
        return principals
          .filter((principal) => !/^\{"Service":\[?"lambda\.amazonaws\.com"\]?\}$/.test(principal))
          .map((principal) => `${name} can be assumed by ${principal}`);
      }),
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
];
