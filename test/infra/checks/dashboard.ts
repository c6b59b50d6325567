import { METRICS } from "../../../services/runtime/metric-names.ts";
import { type Check, same } from "../check.ts";
import type { Graph } from "../graph.ts";

const DASHBOARD = "cloudwatch/dashboard:Dashboard";

type Widget = {
  properties: {
    title: string;
    region: string;
    metrics: (string | Record<string, unknown>)[][];
    annotations?: { horizontal: { value: number }[] };
  };
};

const widgetsOf = (graph: Graph): Widget[] =>
  graph.all(DASHBOARD).flatMap(({ inputs }) => JSON.parse(String(inputs.dashboardBody)).widgets as Widget[]);

/** Namespace, metric and dimension's value of all lines that show a metric. */
const shown = (graph: Graph): string[] =>
  widgetsOf(graph)
    .flatMap(({ properties }) => properties.metrics)
    .filter((line) => typeof line[0] === "string")
    .map(([namespace, metric, , value]) => `${namespace} ${metric} ${value}`);

const editing = (edit: (body: string) => string) => (graph: Graph) =>
  graph.with(DASHBOARD, ({ dashboardBody }) => ({ dashboardBody: edit(String(dashboardBody)) }));

export const dashboard: Check[] = [
  {
    says: "the dashboard shows each of the functions' metrics, by the namespace that they write to",
    faults: (graph) => {
      const { environment } = graph.topology.functions.split;
      const own = Object.entries(METRICS).flatMap(([service, metrics]) =>
        Object.keys(metrics).map((name) => `${environment.POWERTOOLS_METRICS_NAMESPACE} ${name} ${service}`),
      );
      const lines = shown(graph);
      return own.filter((line) => !lines.includes(line)).map((line) => `The dashboard doesn't show ${line}`);
    },
    broken: {
      "no dashboard": (graph) => graph.without(DASHBOARD),
      "another namespace": editing((body) => body.replaceAll("VideoSplit/", "Videos/")),
    },
  },
  {
    says: "the dashboard shows each dead-letter queue, and the split's duration against its timeout",
    faults: (graph) => {
      const lines = shown(graph);
      const queues = Object.keys(graph.topology.queues).map((id) => graph.queue(id).state.name);
      const wanted = [
        ...queues.map((name) => `AWS/SQS ApproximateNumberOfMessagesVisible ${name}`),
        `AWS/Lambda Duration ${graph.lambda("split").state.name}`,
      ];
      const limits = widgetsOf(graph).flatMap(({ properties }) => properties.annotations?.horizontal ?? []);
      return [
        ...wanted.filter((line) => !lines.includes(line)).map((line) => `The dashboard doesn't show ${line}`),
        ...same(
          "the limit that is drawn",
          limits.map(({ value }) => value),
          [graph.topology.functions.split.timeoutSeconds * 1_000],
        ),
        ...widgetsOf(graph).flatMap(({ properties: { title, region } }) =>
          same(`${title}'s region`, region, graph.synthesis.app.providers.aws.region),
        ),
      ];
    },
    broken: {
      "another queue": editing((body) => body.replaceAll("DeadLettersQueue", "Queue")),
      "another function": editing((body) => body.replaceAll("SplitFunction", "Function")),
      "another limit": editing((body) => body.replace('"value":900000', '"value":1')),
      "another region": editing((body) => body.replaceAll(/"region":"[^"]*"/g, '"region":"mars-1"')),
    },
  },
];
