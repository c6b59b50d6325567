import { type Check, same } from "../check.ts";
import type { Graph } from "../graph.ts";
import type { Resource } from "../synth/contract.ts";

const BUCKET = "s3/bucket:Bucket";
const BLOCK = "s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const POLICY = "s3/bucketPolicy:BucketPolicy";
const ENCRYPTION = "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
const LIFECYCLE = "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";
const NOTIFICATION = "s3/bucketNotification:BucketNotification";
const CORS = "s3/bucketCorsConfiguration:BucketCorsConfiguration";

/** Buckets that the stage makes; what is attached is its owner's to set up. */
const made = (graph: Graph): Resource[] => graph.all(BUCKET).filter(({ options }) => !options.read);

const ofEach = (graph: Graph, faultsOf: (bucket: Resource) => string[]): string[] => made(graph).flatMap(faultsOf);

/** Inputs of what is set on a bucket, without its name. */
const setOn = (graph: Graph, type: string, { state }: Resource): unknown[] =>
  graph
    .all(type)
    .filter(({ inputs, options }) => inputs.bucket === state.bucket && !options.read)
    .map(({ inputs: { bucket: _, ...rest } }) => rest);

export const buckets: Check[] = [
  {
    says: "each bucket blocks public access, all four ways",
    faults: (graph) =>
      ofEach(graph, (bucket) =>
        same(`${bucket.name}'s block`, setOn(graph, BLOCK, bucket), [
          { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
        ]),
      ),
    broken: {
      "no block": (graph) => graph.without(BLOCK),
      "a public policy allowed": (graph) => graph.with(BLOCK, () => ({ blockPublicPolicy: false })),
    },
  },
  {
    says: "each bucket is encrypted",
    faults: (graph) =>
      ofEach(graph, (bucket) =>
        same(`${bucket.name}'s encryption`, setOn(graph, ENCRYPTION, bucket), [
          {
            rules: [
              {
                applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
                blockedEncryptionTypes: ["SSE-C"],
              },
            ],
          },
        ]),
      ),
    broken: {
      "no encryption": (graph) => graph.without(ENCRYPTION),
      "SSE-C isn't spoken of": (graph) =>
        graph.with(ENCRYPTION, () => ({
          rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
        })),
    },
  },
  {
    says: "each bucket refuses what doesn't come by TLS, and allows no other principal",
    faults: (graph) =>
      ofEach(graph, ({ name, state }) => {
        const statements = graph.policiesOn(POLICY, "bucket", state.bucket).flat();
        return same(
          `${name}'s policy`,
          statements.map(({ Effect, Action, Resource, Condition }) => [Effect, Action, Resource, Condition]),
          [["Deny", ["s3:*"], [state.arn, `${state.arn}/*`], { Bool: { "aws:SecureTransport": ["false"] } }]],
        );
      }),
    broken: {
      "no policy": (graph) => graph.without(POLICY),
      "an open policy": (graph) =>
        graph.with(POLICY, () => ({
          policy: JSON.stringify({ Statement: [{ Effect: "Allow", Action: ["s3:GetObject"], Resource: ["*"] }] }),
        })),
    },
  },
  {
    says: "each bucket expires what is left of uploads that were never completed",
    faults: (graph) =>
      ofEach(graph, (bucket) => {
        const [configuration] = setOn(graph, LIFECYCLE, bucket) as { rules?: Record<string, unknown>[] }[];
        const days = configuration?.rules
          ?.filter(({ status }) => status === "Enabled")
          .map(({ abortIncompleteMultipartUpload }) => abortIncompleteMultipartUpload);
        return same(`${bucket.name}'s lifecycle`, days, [{ daysAfterInitiation: 7 }]);
      }),
    broken: {
      "no lifecycle": (graph) => graph.without(LIFECYCLE),
      "one that is off": (graph) => graph.with(LIFECYCLE, () => ({ rules: [{ status: "Disabled" }] })),
    },
  },
  {
    says: "no web page can talk to a bucket",
    faults: (graph) => graph.all(CORS).map(({ name }) => `There is a CORS configuration, ${name}`),
    broken: {
      "SST's own": (graph) =>
        graph.plus({
          type: `aws:${CORS}`,
          name: "UploadsCors",
          id: "UploadsCors",
          inputs: {},
          state: {},
          options: { retainOnDelete: false, protect: false, read: false },
        }),
    },
  },
  {
    says: "the upload bucket, and no other, notifies EventBridge of its objects",
    faults: (graph) => {
      const notified = graph
        .all(NOTIFICATION)
        .filter(({ inputs, options }) => inputs.eventbridge === true && !options.read)
        .map(({ inputs }) => inputs.bucket);
      return same("the buckets that notify EventBridge", notified, [graph.topology.buckets.uploads.name]);
    },
    broken: {
      "no notification": (graph) => graph.without(NOTIFICATION),
      "EventBridge off": (graph) => graph.with(NOTIFICATION, () => ({ eventbridge: false })),
      "another bucket": (graph) => graph.with(NOTIFICATION, () => ({ bucket: "other" })),
    },
  },
];
