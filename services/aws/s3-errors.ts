/** The parts of S3's response in an SDK error. */
export type S3Answer = {
  /** Undefined where no response was received. */
  status: number | undefined;
  /** S3's error code. For a response without a body, such as to a HEAD, the SDK invents one. */
  code: string;
  message: string;
  /** The bucket's region, where the request went to another one. */
  bucketRegion: string | undefined;
};

type SdkError = {
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string | undefined> };
  /** An additional element of S3's response, besides Code and Message. */
  Region?: string;
};

export function answerOf(error: unknown): S3Answer {
  const { $metadata, $response, Region } = error as SdkError;
  return {
    status: $metadata?.httpStatusCode,
    code: error instanceof Error ? error.name : "",
    message: error instanceof Error ? error.message : String(error),
    bucketRegion: $response?.headers?.["x-amz-bucket-region"] ?? Region,
  };
}

/** No request was sent: there's no address, or there are no credentials. */
const CONFIGURATION_ERRORS = ["CredentialsProviderError", "EndpointError", "TokenProviderError"];

/**
 * Responses with a status of 4xx that are transient.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const TRANSIENT_STATUS = [408, 429];
const TRANSIENT_CODES = [
  "KMS.DependencyTimeoutException",
  "KMS.KMSInternalException",
  "KMS.KeyUnavailableException",
  "KMS.ThrottlingException",
  "OperationAborted",
  "RequestTimeTooSkewed",
  "RequestTimeout",
  "ThrottlingException",
];

/**
 * Whether the same request may succeed in a moment: S3 is overloaded or failing, or the connection
 * broke.
 */
export function isTransient(error: unknown): boolean {
  const { status, code } = answerOf(error);
  if (status === undefined) return !CONFIGURATION_ERRORS.includes(code);
  // A body that ends early, or can't be parsed, has the status of a success.
  return status < 300 || status >= 500 || TRANSIENT_STATUS.includes(status) || TRANSIENT_CODES.includes(code);
}
