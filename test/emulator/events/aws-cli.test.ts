import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { ACCOUNT, FUNCTION, openBridge, REGION, ruleArn } from "./bridge.ts";

const run = promisify(execFile);

const missing = await run("aws", ["--version"]).then(
  () => undefined,
  (error: Error) => error.message,
);

it.skipIf(missing !== undefined)(
  `the stock AWS CLI makes a rule and puts an event${missing === undefined ? "" : ": SKIPPED, since aws is not installed"}`,
  { tags: "full" },
  async () => {
    const { endpoint, bridge, received } = await openBridge();
    const folder = await temporaryFolder();
    const aws = async (...args: string[]): Promise<unknown> => {
      const { stdout } = await run("aws", ["--endpoint-url", endpoint, "--output", "json", "events", ...args], {
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          AWS_REGION: REGION,
          AWS_DEFAULT_REGION: REGION,
          AWS_ACCESS_KEY_ID: "local",
          AWS_SECRET_ACCESS_KEY: "local",
          AWS_EC2_METADATA_DISABLED: "true",
          AWS_PAGER: "",
        },
      });
      return stdout === "" ? undefined : JSON.parse(stdout);
    };
    const bus = ["--event-bus-name", "video"];
    const pattern = JSON.stringify({ source: ["test"] });

    expect(await aws("put-rule", "--name", "r", ...bus, "--event-pattern", pattern)).toEqual({
      RuleArn: ruleArn("video/r"),
    });
    await aws("put-targets", "--rule", "r", ...bus, "--targets", `Id=t,Arn=${FUNCTION}`);
    expect(await aws("list-targets-by-rule", "--rule", "r", ...bus)).toEqual({ Targets: [{ Id: "t", Arn: FUNCTION }] });
    const entries = JSON.stringify([
      {
        Source: "test",
        DetailType: "Made",
        Detail: '{"by":"cli"}',
        EventBusName: "video",
        Time: "2026-01-02T03:04:05Z",
      },
    ]);
    expect(await aws("put-events", "--entries", entries)).toMatchObject({ FailedEntryCount: 0 });
    await bridge.idle();
    expect(received[0]?.event).toMatchObject({ detail: { by: "cli" }, account: ACCOUNT, time: "2026-01-02T03:04:05Z" });
    await expect(aws("describe-rule", "--name", "none", ...bus)).rejects.toMatchObject({
      stderr: expect.stringContaining("(ResourceNotFoundException) when calling the DescribeRule operation"),
    });
  },
);
