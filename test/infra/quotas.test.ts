import { describe, expect, inject, it } from "vitest";
import { QUOTAS, usedBy } from "./quotas.ts";
import { STAGE_OF_MAX_LENGTH } from "./stages.ts";
import type { Resource } from "./synth/contract.ts";
import { synthesise } from "./synth/index.ts";
import { graphOf } from "./synthesised.ts";

/** Physical names end with random characters that SST chooses for each new resource. */
function withoutDrawnNames(resources: readonly Resource[]): unknown {
  const names = new Map<string, string>();
  for (const { name, inputs, state } of resources)
    for (const property of ["name", "bucket", "targetId"]) {
      const value = String(inputs[property] ?? state[property] ?? "");
      if (/-[a-z]{8}$/.test(value)) names.set(value, `[${name}]`);
    }
  // Pulumi makes what doesn't depend on each other in any order.
  const inOrder = resources.toSorted((one, other) =>
    `${one.type} ${one.name}`.localeCompare(`${other.type} ${other.name}`),
  );
  let text = JSON.stringify(inOrder);
  for (const [drawn, logical] of [...names].sort(([one], [other]) => other.length - one.length))
    text = text.replaceAll(drawn, logical);
  return JSON.parse(text);
}

describe("AWS's quotas, for the longest name that a stage may have", () => {
  const graph = graphOf(STAGE_OF_MAX_LENGTH);

  it.each(QUOTAS.map((quota) => [quota.says, quota] as const))("%s: ten stages in an account keep it", (_, quota) => {
    expect(usedBy(quota, graph, 10)).toBeLessThanOrEqual(quota.limit);
  });

  it("the measured resources exist", () => {
    const isReserved = (says: string) => says.startsWith("executions that") || says.startsWith("rules with wildcards");
    for (const quota of QUOTAS) if (!isReserved(quota.says)) expect(quota.used(graph), quota.says).toBeGreaterThan(0);
  });
});

describe("two stages side by side", () => {
  it("have no physical name in common", () => {
    const namesOf = (stage: string) =>
      graphOf(stage).synthesis.resources.flatMap(({ type, inputs, options }) =>
        options.read || !["string"].includes(typeof inputs.name) || !type.startsWith("aws:")
          ? []
          : [`${type} ${inputs.eventBusName ?? inputs.registryName ?? ""} ${inputs.name}`],
      );
    const [one, other] = [namesOf("ada"), namesOf(STAGE_OF_MAX_LENGTH)];
    expect(one.length).toBeGreaterThan(20);
    expect(one.filter((name) => other.includes(name))).toEqual([]);
  });
});

describe("a second deployment with nothing changed", () => {
  it("requests what the first one requested", { tags: "full" }, async () => {
    const again = await synthesise(inject("program"), { stage: "ada", settings: { ada: {} }, programs: "arm64" });
    expect(withoutDrawnNames(again.resources)).toEqual(withoutDrawnNames(graphOf("ada").synthesis.resources));
  });
});
