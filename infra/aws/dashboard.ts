import { type MetricName, SERVICE_DIMENSION } from "../../services/runtime/metric-names.ts";
import type { FunctionId, QueueId, Topology } from "../topology.ts";
import type { Queues } from "./dead-letter-queues.ts";
import type { Functions } from "./functions.ts";

const PERIOD_SECONDS = 300;

/** A line of a widget: namespace, metric, dimensions, and how it's drawn. */
type Line = readonly (string | $util.Output<string> | Record<string, unknown>)[];

type Widget = { title: string; lines: Line[]; stat?: string; more?: Record<string, unknown> };

/** Two widgets to a row of CloudWatch's 24 columns. */
const placed = ({ title, lines, stat = "Sum", more = {} }: Widget, index: number) => ({
  type: "metric",
  x: (index % 2) * 12,
  y: Math.floor(index / 2) * 6,
  width: 12,
  height: 6,
  properties: {
    title,
    metrics: lines,
    stat,
    period: PERIOD_SECONDS,
    region: aws.getRegionOutput().region,
    view: "timeSeries",
    ...more,
  },
});

type Shown = { topology: Topology<$util.Output<string>>; metrics: string; functions: Functions; queues: Queues };

/** A dashboard of the service, from its own metrics, Lambda's and SQS's. */
export function createDashboard(
  name: string,
  { topology, metrics, functions, queues }: Shown,
): aws.cloudwatch.Dashboard {
  const ours = <S extends FunctionId>(
    service: S,
    metric: MetricName<S> & string,
    more: Record<string, unknown> = {},
  ): Line => [metrics, metric, SERVICE_DIMENSION, service, more];
  const lambda = (id: FunctionId, metric: string, more: Record<string, unknown> = {}): Line => [
    "AWS/Lambda",
    metric,
    "FunctionName",
    functions[id].name,
    { label: `${id} ${metric}`, ...more },
  ];
  const ids = Object.keys(functions) as FunctionId[];
  const timeoutMs = topology.functions.split.timeoutSeconds * 1_000;
  const widgets: Widget[] = [
    {
      title: "Videos",
      lines: (["VideosSplit", "VideosRejected", "SplitsContinued", "DuplicateDeliveries"] as const).map((name) =>
        ours("split", name),
      ),
    },
    { title: "Segments", lines: [ours("split", "SegmentsCreated")] },
    {
      title: "Ranges of long videos in progress",
      stat: "Sum",
      lines: [
        [{ expression: "RUNNING_SUM(started - finished)", label: "ranges begun in this period" }],
        ours("split", "RangesStarted", { id: "started", visible: false }),
        ours("split", "RangesFinished", { id: "finished", visible: false }),
      ],
    },
    {
      title: "Invocations for one range",
      stat: "Maximum",
      lines: [ours("split", "RangeInvocations", { label: "most" })],
    },
    { title: "Bytes of video", lines: [ours("split", "VideoBytes")] },
    {
      title: "Seconds of video per second of work",
      lines: [
        [{ expression: "video / work", label: "all videos" }],
        ours("split", "VideoSeconds", { id: "video", visible: false }),
        ours("split", "SplitSeconds", { id: "work", visible: false }),
        ours("split", "RealTimeFactor", { stat: "Minimum", label: "slowest video" }),
      ],
    },
    {
      title: "Duration of a split against its timeout",
      stat: "Maximum",
      lines: [lambda("split", "Duration", { label: "longest, ms" })],
      more: { annotations: { horizontal: [{ label: "timeout", value: timeoutMs }] }, yAxis: { left: { min: 0 } } },
    },
    {
      title: "Dead letters",
      stat: "Maximum",
      lines: [
        ...(Object.entries(queues) as [QueueId, sst.aws.Queue][]).map(([id, queue]) => [
          "AWS/SQS",
          "ApproximateNumberOfMessagesVisible",
          "QueueName",
          queue.nodes.queue.name,
          { label: id },
        ]),
        ...(["DeadLettersCleared", "ClearingFailures"] as const).map((name) =>
          ours("reconciler", name, { stat: "Sum" }),
        ),
      ],
    },
    {
      title: "Uploads that did not finish",
      lines: (["UploadsRequestedAgain", "UploadsGivenUp"] as const).map((name) => ours("reconciler", name)),
    },
    {
      title: "Functions",
      lines: ids.flatMap((id) => ["Errors", "Throttles", "ConcurrentExecutions"].map((metric) => lambda(id, metric))),
    },
    { title: "From an event to its document", stat: "Average", lines: [ours("projector", "ProjectionLag")] },
    {
      title: "Posters",
      lines: (["PostersCreated", "SegmentsWithoutPoster"] as const).map((name) => ours("poster", name)),
    },
    { title: "Events projected", lines: [ours("projector", "EventsProjected")] },
  ];
  return new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: name,
    dashboardBody: $jsonStringify({ widgets: widgets.map(placed) }),
  });
}
