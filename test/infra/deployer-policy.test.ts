import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { STAGES } from "./stages.ts";
import { graphOf } from "./synthesised.ts";

/** IAM's name of a service, where Pulumi's is another: a type's name decides between several. */
const IAM_SERVICES: Record<string, (type: string) => string> = {
  cloudwatch: (type) => (/:(?:Event|Archive)/.test(type) ? "events" : /:LogGroup$/.test(type) ? "logs" : "cloudwatch"),
};

const serviceOf = (type: string): string => {
  const [, service = ""] = /^aws:([a-z0-9]+)\//.exec(type) ?? [];
  return IAM_SERVICES[service]?.(type) ?? service;
};

it("the deployer's policy has each service that a stage is made of", async () => {
  const policy = JSON.parse(await readFile(join(PROJECT_ROOT, "docs/deployer-policy.json"), "utf8")) as {
    Statement: { Action: string | string[] }[];
  };
  const allowed = new Set(policy.Statement.flatMap(({ Action }) => Action).map((action) => action.split(":")[0]));
  const types = STAGES.flatMap(({ stage }) => graphOf(stage).synthesis.resources.map(({ type }) => type));
  const services = new Set(types.filter((type) => type.startsWith("aws:")).map(serviceOf));
  expect([...services].sort()).toEqual(
    ["cloudwatch", "dynamodb", "events", "iam", "lambda", "logs", "s3", "scheduler", "schemas", "sns", "sqs"].sort(),
  );
  for (const service of services) expect(allowed, service).toContain(service);
});
