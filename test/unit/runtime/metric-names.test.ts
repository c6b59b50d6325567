import { readFile } from "node:fs/promises";
import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { describe, expect, it } from "vitest";
import { METRICS, type Metric } from "../../../services/runtime/metric-names.ts";

const all = Object.values(METRICS).flatMap((metrics): [string, Metric][] => Object.entries(metrics));

describe("the metrics' names", () => {
  it.each(all)("%s is named as it's written, in a unit of CloudWatch's", (key, { name, unit }) => {
    expect(name).toBe(key);
    expect(name).toMatch(/^([A-Z][a-z]+)+$/);
    expect(Object.values(MetricUnit)).toContain(unit);
  });

  it("import nothing, so that what draws them needn't bundle what writes them", async () => {
    const source = await readFile(new URL("../../../services/runtime/metric-names.ts", import.meta.url), "utf8");
    expect(source).not.toMatch(/(?:from|import)\s*\(?\s*"/);
  });
});
