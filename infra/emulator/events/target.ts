import type { TargetSpec } from "./types.ts";

/**
 * A target as PutTargets has it:
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
 */
export type Target = {
  Id: string;
  Arn: string;
  RetryPolicy?: { MaximumRetryAttempts?: number; MaximumEventAgeInSeconds?: number };
  DeadLetterConfig?: { Arn?: string };
  Input?: string;
  InputPath?: string;
  InputTransformer?: { InputPathsMap?: Record<string, string>; InputTemplate: string };
};

/** There is no such target: no further attempt is made, as EventBridge makes none. */
export class TargetNotFoundError extends Error {
  override name = "TargetNotFoundError";
}

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html */
export const DEFAULT_RETRY = { attempts: 185, maxAgeSeconds: 86_400 };

const present = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

export function specOf(target: Target): TargetSpec {
  const { Id, Arn, RetryPolicy, DeadLetterConfig, Input, InputPath, InputTransformer } = target;
  return {
    id: Id,
    arn: Arn,
    retry: {
      attempts: RetryPolicy?.MaximumRetryAttempts ?? DEFAULT_RETRY.attempts,
      maxAgeSeconds: RetryPolicy?.MaximumEventAgeInSeconds ?? DEFAULT_RETRY.maxAgeSeconds,
    },
    ...present({ deadLetterArn: DeadLetterConfig?.Arn, input: Input, inputPath: InputPath }),
    ...(InputTransformer !== undefined && { inputTransformer: transformerOf(InputTransformer) }),
  };
}

export const transformerOf = ({
  InputPathsMap,
  InputTemplate,
}: NonNullable<Target["InputTransformer"]>): NonNullable<TargetSpec["inputTransformer"]> => ({
  inputTemplate: InputTemplate,
  ...(InputPathsMap !== undefined && { inputPathsMap: InputPathsMap }),
});

export function targetOf({ id, arn, retry, deadLetterArn, input, inputPath, inputTransformer }: TargetSpec): Target {
  return {
    Id: id,
    Arn: arn,
    RetryPolicy: { MaximumRetryAttempts: retry.attempts, MaximumEventAgeInSeconds: retry.maxAgeSeconds },
    ...(deadLetterArn !== undefined && { DeadLetterConfig: { Arn: deadLetterArn } }),
    ...present({ Input: input, InputPath: inputPath }),
    ...(inputTransformer !== undefined && {
      InputTransformer: {
        InputTemplate: inputTransformer.inputTemplate,
        ...present({ InputPathsMap: inputTransformer.inputPathsMap }),
      },
    }),
  };
}
