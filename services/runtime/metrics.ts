import { Metrics } from "@aws-lambda-powertools/metrics";
import { METRICS, type Metric, type MetricName, type Service } from "./metric-names.ts";

/**
 * Values of a service's metrics, and other fields of their log line, which can be searched for and
 * cost nothing.
 */
export type Values<S extends Service> = {
  values: { readonly [name in MetricName<S>]?: number };
  fields?: Readonly<Record<string, string | number>>;
};

export type Recorder<S extends Service> = (recorded: Values<S>) => void;

/**
 * Runs an invocation's work, which records metrics, and returns what it returns or throws what it
 * throws.
 */
export type Metered<S extends Service> = <T>(
  requestId: string,
  work: (record: Recorder<S>) => Promise<T>,
) => Promise<T>;

/**
 * A service's metrics by Powertools: one line of CloudWatch's embedded metric format on stdout for
 * each invocation that recorded any, also when its work throws, and none for others. Nothing that
 * an invocation recorded is in the next one's line.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function powertoolsMetrics<S extends Service>(service: S, namespace: string): Metered<S> {
  const metrics = new Metrics({ namespace, serviceName: service });
  const known: Record<string, Metric> = METRICS[service];
  return async (requestId, work) => {
    const record: Recorder<S> = ({ values, fields = {} }) => {
      for (const [key, value] of Object.entries(values) as [MetricName<S>, number][]) {
        const { name, unit } = known[key]!;
        metrics.addMetric(name, unit, value);
      }
      for (const [key, value] of Object.entries({ request_id: requestId, ...fields })) metrics.addMetadata(key, value);
    };
    try {
      return await work(record);
    } finally {
      // Without any metrics, Powertools would print a warning.
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    }
  };
}
