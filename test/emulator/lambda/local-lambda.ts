import { onTestFinished } from "vitest";
import {
  type FailedInvocation,
  type LambdaOptions,
  type LocalFunction,
  type LocalLambda,
  type LogLine,
  openLambda,
} from "../../../infra/emulator/lambda/index.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { bundle } from "../../../infra/packaging/bundle.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** Seconds that no handler of a test needs, however busy the machine is. */
const AMPLE_SECONDS = 50;

/** A function of test/fixtures/functions: "failure.throws". */
export const fixture = (handler: string, rest: Partial<LocalFunction> = {}): LocalFunction => ({
  name: "tested",
  handler: `test/fixtures/functions/${handler}`,
  timeoutSeconds: AMPLE_SECONDS,
  memoryMB: 256,
  concurrency: 5,
  retry: { attempts: 2, maxAgeSeconds: 3_600 },
  environment: {},
  ...rest,
});

export type TestLambda = LocalLambda & { directory: string; logs: LogLine[]; failed: FailedInvocation[] };

/** A local Lambda that is closed with the test. */
export async function openTestLambda(
  functions: LocalFunction[],
  options: Partial<LambdaOptions> = {},
): Promise<TestLambda> {
  const directory = options.directory ?? (await temporaryFolder());
  const logs: LogLine[] = [];
  const failed: FailedInvocation[] = [];
  const lambda = await openLambda({
    bundle,
    functions,
    root: PROJECT_ROOT,
    directory,
    region: "eu-west-1",
    retryDelayMs: () => 10,
    onLog: (line) => logs.push(line),
    onFailure: async (invocation) => void failed.push(invocation),
    watch: false,
    ...options,
  });
  onTestFinished(() => lambda.close());
  return { ...lambda, directory, logs, failed };
}
