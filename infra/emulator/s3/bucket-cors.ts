import { malformedXml, S3Error } from "./errors.ts";
import { type Exchange, replyEmpty, replyXml } from "./exchange.ts";
import { receiveDocument } from "./request-body.ts";
import type { CorsRule } from "./state.ts";
import { childrenNamed, childText, parseRoot, type XmlElement } from "./xml-reading.ts";
import type { XmlField } from "./xml-writing.ts";

const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"];
/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html */
const MAX_RULES = 100;

const invalidRequest = (message: string): S3Error => new S3Error("InvalidRequest", message);

function refuseWildcards(element: string, pattern: string): void {
  if (pattern.split("*").length > 2)
    throw invalidRequest(`${element} "${pattern}" can not have more than one wildcard.`);
}

function ruleIn(element: XmlElement): CorsRule {
  const texts = (name: string): string[] => childrenNamed(element, name).map(({ text }) => text);
  const [origins, methods, headers] = [texts("AllowedOrigin"), texts("AllowedMethod"), texts("AllowedHeader")];
  if (origins.length === 0 || methods.length === 0) throw malformedXml();
  for (const origin of origins) refuseWildcards("AllowedOrigin", origin);
  for (const name of headers) refuseWildcards("AllowedHeader", name);
  const unsupported = methods.find((method) => !METHODS.includes(method));
  if (unsupported !== undefined)
    throw invalidRequest(
      `Found unsupported HTTP method in CORS config. Unsupported method is ${unsupported.slice(0, 64)}`,
    );
  const [id, age] = [childText(element, "ID"), childText(element, "MaxAgeSeconds")];
  if (age !== undefined && !/^\d{1,9}$/.test(age)) throw malformedXml();
  return {
    ...(id !== undefined && { id }),
    origins,
    methods,
    headers,
    exposed: texts("ExposeHeader"),
    ...(age !== undefined && { maxAgeSeconds: Number(age) }),
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html */
export async function putBucketCors(exchange: Exchange): Promise<void> {
  const { store, bucket } = exchange;
  store.bucket(bucket);
  const rules = childrenNamed(parseRoot(await receiveDocument(exchange), "CORSConfiguration"), "CORSRule");
  if (rules.length === 0 || rules.length > MAX_RULES) throw malformedXml();
  store.configureBucket(bucket, { cors: rules.map(ruleIn) });
  replyEmpty(exchange, 200);
}

export function deleteBucketCors(exchange: Exchange): void {
  exchange.store.configureBucket(exchange.bucket, { cors: [] });
  replyEmpty(exchange, 204);
}

const fieldsOf = (name: string, texts: readonly string[]): XmlField[] => texts.map((text) => [name, text]);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html */
export function getBucketCors(exchange: Exchange): void {
  const { cors } = exchange.store.bucket(exchange.bucket);
  if (cors.length === 0)
    throw new S3Error("NoSuchCORSConfiguration", "The CORS configuration does not exist", {
      details: [["BucketName", exchange.bucket]],
    });
  const rules = cors.map(
    (rule): XmlField => [
      "CORSRule",
      [
        ["ID", rule.id],
        ...fieldsOf("AllowedHeader", rule.headers),
        ...fieldsOf("AllowedMethod", rule.methods),
        ...fieldsOf("AllowedOrigin", rule.origins),
        ...fieldsOf("ExposeHeader", rule.exposed),
        ["MaxAgeSeconds", rule.maxAgeSeconds],
      ],
    ],
  );
  replyXml(exchange, "CORSConfiguration", rules);
}
