import { randomUUID } from "node:crypto";
import { ACCOUNT } from "../emulator/arns.ts";
import { LambdaClosedError, type LocalLambda } from "../emulator/lambda/index.ts";
import type { Topology } from "../topology.ts";

/** The same as in infra/aws/rules.ts. */
const scheduledEvent = (region: string, name: string) => ({
  version: "0",
  id: randomUUID(),
  "detail-type": "Scheduled Event",
  source: "aws.scheduler",
  time: `${new Date().toISOString().slice(0, 19)}Z`,
  resources: [`arn:aws:scheduler:${region}:${ACCOUNT}:schedule/default/${name}`],
  detail: {},
});

const MS_A_MINUTE = 60_000;

/**
 * Invokes the topology's scheduled functions, each for the first time after its interval, and none
 * while it is still running.
 */
export function startSchedules(
  { schedules }: Topology<string>,
  { lambda, region }: { lambda: LocalLambda; region: string },
): { close(): void } {
  const timers = schedules.map(({ name, everyMinutes, target }) => {
    let running = false;
    const tick = async () => {
      if (running) return;
      running = true;
      try {
        await lambda.invokeAsync(target, scheduledEvent(region, name), { requestId: randomUUID() });
      } catch (error) {
        if (!(error instanceof LambdaClosedError)) throw error;
      } finally {
        running = false;
      }
    };
    return setInterval(() => void tick(), everyMinutes * MS_A_MINUTE).unref();
  });
  return { close: () => timers.forEach(clearInterval) };
}
