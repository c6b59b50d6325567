/**
 * Query parameters that select an operation, and how its name ends:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
const NOUNS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    accelerate: "AccelerateConfiguration",
    acl: "Acl",
    analytics: "AnalyticsConfiguration",
    attributes: "Attributes",
    cors: "Cors",
    delete: "Objects",
    encryption: "Encryption",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    inventory: "InventoryConfiguration",
    "legal-hold": "LegalHold",
    lifecycle: "LifecycleConfiguration",
    location: "Location",
    logging: "Logging",
    metadataConfiguration: "MetadataConfiguration",
    metadataTable: "MetadataTableConfiguration",
    metrics: "MetricsConfiguration",
    notification: "NotificationConfiguration",
    "object-lock": "LockConfiguration",
    ownershipControls: "OwnershipControls",
    policy: "Policy",
    policyStatus: "PolicyStatus",
    publicAccessBlock: "PublicAccessBlock",
    renameObject: "Rename",
    replication: "Replication",
    requestPayment: "RequestPayment",
    restore: "Restore",
    retention: "Retention",
    select: "Content",
    session: "Session",
    tagging: "Tagging",
    torrent: "Torrent",
    uploadId: "Upload",
    uploads: "Uploads",
    versioning: "Versioning",
    versions: "Versions",
    website: "Website",
  }),
);

/** Parameters without a value that are no operation of their own. */
const PLAIN = [
  "prefix",
  "delimiter",
  "marker",
  "key-marker",
  "upload-id-marker",
  "version-id-marker",
  "part-number-marker",
  "continuation-token",
  "start-after",
  "encoding-type",
  "max-keys",
  "max-parts",
  "max-uploads",
  "X-Amz-Security-Token",
];

/**
 * The parameters of a query that select an operation. An unknown one without a value counts too: it
 * may select a newer operation of S3, and must not select the plain one.
 */
export const subresources = (query: ReadonlyMap<string, string>): string[] =>
  [...query]
    .filter(([name, value]) => NOUNS.has(name) || (value === "" && !PLAIN.includes(name)))
    .map(([name]) => name);

const VERBS: ReadonlyMap<string, string> = new Map(
  Object.entries({ GET: "Get", HEAD: "Head", PUT: "Put", DELETE: "Delete", POST: "Post" }),
);

/** AWS's name of the operation, as far as it follows from method and parameters. */
export function operationName(method: string, level: string, names: readonly string[]): string {
  const noun = names.map((name) => NOUNS.get(name) ?? `?${name}`).join("");
  return `${VERBS.get(method) ?? method}${level}${noun}`;
}
