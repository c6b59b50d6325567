/** Has as many digits as an AWS account's id. */
export const ACCOUNT = "000000000000";

export const functionArn = (region: string, name: string): string =>
  `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
export const queueArn = (region: string, name: string): string => `arn:aws:sqs:${region}:${ACCOUNT}:${name}`;
export const queueUrl = (endpoint: string, name: string): string => `${endpoint}/${ACCOUNT}/${name}`;
export const ruleArn = (region: string, name: string): string => `arn:aws:events:${region}:${ACCOUNT}:rule/${name}`;

/** The last part: the name of a function or a queue. */
export const nameOfArn = (arn: string): string => arn.slice(arn.lastIndexOf(":") + 1);
