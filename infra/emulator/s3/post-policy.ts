import { S3Error } from "./errors.ts";

/** Bytes that the file may have. */
export type LengthRange = { min: number; max: number };

/**
 * Fields that need no condition:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
const UNCONDITIONED = ["policy", "x-amz-signature", "signature", "awsaccesskeyid", "file", "bucket"];

const denied = (reason: string): S3Error => new S3Error("AccessDenied", `Invalid according to Policy: ${reason}`);

const unreadable = (reason: string): S3Error => new S3Error("InvalidPolicyDocument", `Invalid Policy: ${reason}`);

type Condition =
  | { kind: "eq" | "starts-with"; field: string; value: string }
  | { kind: "content-length-range"; range: LengthRange };

function readCondition(condition: unknown): Condition[] {
  if (Array.isArray(condition)) {
    const [operator, left, right] = condition;
    const kind = String(operator).toLowerCase();
    if (kind === "content-length-range") return [{ kind, range: { min: Number(left), max: Number(right) } }];
    if (kind !== "eq" && kind !== "starts-with") throw unreadable(`unknown operator '${kind}'.`);
    return [{ kind, field: String(left).replace(/^\$/, "").toLowerCase(), value: String(right) }];
  }
  if (typeof condition !== "object" || condition === null)
    throw unreadable("a condition must be an array or an object.");
  return Object.entries(condition).map(([field, value]) => ({
    kind: "eq",
    field: field.toLowerCase(),
    value: String(value),
  }));
}

function readPolicy(encoded: string): { expiration: number; conditions: Condition[] } {
  let policy: unknown;
  try {
    policy = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  } catch {
    throw unreadable("Invalid JSON.");
  }
  if (typeof policy !== "object" || policy === null || !("expiration" in policy) || !("conditions" in policy)) {
    throw unreadable("expiration and conditions are required.");
  }
  const expiration = Date.parse(String(policy.expiration));
  if (Number.isNaN(expiration) || !Array.isArray(policy.conditions))
    throw unreadable("Invalid expiration or conditions.");
  return { expiration, conditions: policy.conditions.flatMap(readCondition) };
}

/**
 * What signs a policy, version 4 and version 2:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
 */
const SIGNATURES: readonly Readonly<Record<string, RegExp>>[] = [
  {
    "x-amz-algorithm": /^AWS4-HMAC-SHA256$/,
    "x-amz-credential": /^[^/]+\/\d{8}\/[^/]+\/s3\/aws4_request$/,
    "x-amz-date": /^\d{8}T\d{6}Z$/,
    "x-amz-signature": /^[0-9a-f]{64}$/,
  },
  { awsaccesskeyid: /./, signature: /^[A-Za-z0-9+/]{27}=$/ },
];

const isSigned = (fields: ReadonlyMap<string, string>): boolean =>
  SIGNATURES.some((signature) =>
    Object.entries(signature).every(([name, pattern]) => pattern.test(fields.get(name) ?? "")),
  );

/**
 * Checks a form against its policy, which must exist and have a signature. The signature isn't
 * checked: the local stack accepts any credentials. `fields` by lower-case name, with the bucket;
 * `now` in milliseconds of the epoch. Returns the maximum size of the file. Throws `AccessDenied`
 * and `InvalidPolicyDocument`.
 */
export function checkPostPolicy(fields: ReadonlyMap<string, string>, now: number): LengthRange | undefined {
  const encoded = fields.get("policy");
  if (encoded === undefined || !isSigned(fields))
    throw new S3Error(
      "AccessDenied",
      "A form needs a signed policy: send the fields that createPresignedPost or generate_presigned_post makes",
    );
  const { expiration, conditions } = readPolicy(encoded);
  if (expiration <= now) throw denied("Policy expired.");
  const conditioned = new Set<string>(UNCONDITIONED);
  let range: LengthRange | undefined;
  for (const condition of conditions) {
    if (condition.kind === "content-length-range") {
      range = condition.range;
      continue;
    }
    const { kind, field, value } = condition;
    conditioned.add(field);
    const actual = fields.get(field) ?? "";
    const holds = kind === "eq" ? actual === value : actual.startsWith(value);
    if (!holds) throw denied(`Policy Condition failed: ["${kind}", "$${field}", "${value}"]`);
  }
  const extra = [...fields.keys()].find((name) => !conditioned.has(name) && !name.startsWith("x-ignore-"));
  if (extra !== undefined) throw denied(`Extra input fields: ${extra}`);
  return range;
}
