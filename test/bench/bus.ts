import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { compilePattern, openEventBridge } from "../../infra/emulator/events/index.ts";
import { LOCAL_CREDENTIALS, LOCAL_NAMES } from "../../infra/local/names.ts";
import { loadSettings, PROJECT_ROOT } from "../../infra/local/project.ts";
import { type Topology, topology } from "../../infra/topology.ts";
import { runOf } from "../fixtures/announcing.ts";
import { median } from "./cost.ts";
import { type Row, report } from "./report.ts";

export type BusOptions = { folder: string; events: number; isSaved: boolean };

const EXAMPLES = join(PROJECT_ROOT, "events-schema", "examples");

/** Times that each way is measured; the median counts. */
const RUNS = 5;

/** Entries of a PutEvents, and requests at the same time. */
const ENTRIES = 10;
const REQUESTS_AT_ONCE = 8;

const BUS = "video";

type Matches = (event: unknown) => boolean;

/** Of a pattern and of an event: the fields that the rival compares. */
type Fields = { source: string | string[]; "detail-type": string | string[] };

/** Compares only source and type, without a pattern. */
const equalityOf = ({ source, "detail-type": types }: Fields): Matches => {
  const [first] = source;
  return (event) => {
    const { source: of, "detail-type": type } = event as Fields;
    for (const one of types) if (of === first && type === one) return true;
    return false;
  };
};

/** How often a second each way works through `count` events. */
async function rateOf(count: number, work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return (count * 1_000) / (performance.now() - begun);
}

/** The rates of ways that are measured one after another, several times. */
async function ratesOf(count: number, ways: Record<string, () => unknown>): Promise<Map<string, number>> {
  const rates = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let run = 0; run < RUNS; run += 1)
    for (const [name, work] of Object.entries(ways)) rates.get(name)!.push(await rateOf(count, work));
  return new Map([...rates].map(([name, all]) => [name, median(all)]));
}

const rowsOf = (what: string, rates: ReadonlyMap<string, number>, rival: string): Row[] =>
  [...rates].map(([way, rate]) => ({
    ...{ what, way, "a second": rate.toFixed(0) },
    "/ rival": Number((rate / rates.get(rival)!).toPrecision(2)),
  }));

/** Matches the example of each event with each rule of the topology. */
async function matching({ rules }: Topology<string>, count: number): Promise<Row[]> {
  const names = await readdir(EXAMPLES);
  const texts = await Promise.all(names.map((name) => readFile(join(EXAMPLES, name), "utf8")));
  const parsed = texts.map((text): unknown => JSON.parse(text));
  const matchers = rules.map(({ pattern }) => compilePattern(pattern));
  const equals = rules.map(({ pattern }) => equalityOf(pattern as Fields));
  let matched = 0;
  const testing = (tests: readonly Matches[], eventAt: (at: number) => unknown) => () => {
    for (let at = 0; at < count; at += 1) {
      const event = eventAt(at);
      for (const matches of tests) matched += matches(event) ? 1 : 0;
    }
  };
  const parsedAt = (at: number): unknown => parsed[at % parsed.length];
  const textAt = (at: number): unknown => JSON.parse(texts[at % texts.length]!);
  const matches = count * rules.length;
  const alone = await ratesOf(matches, {
    pattern: testing(matchers, parsedAt),
    "rival: ===": testing(equals, parsedAt),
  });
  const whole = await ratesOf(matches, {
    "JSON.parse and pattern": testing(matchers, textAt),
    "rival: JSON.parse and ===": testing(equals, textAt),
  });
  if (matched === 0) throw new Error("No event matched");
  const what = `matches, an event with ${rules.length} rules`;
  return [...rowsOf(what, alone, "rival: ==="), ...rowsOf(what, whole, "rival: JSON.parse and ===")];
}

/** A server on loopback and a client of it, while `work` runs. */
async function withServer<T>(handle: RequestListener, work: (client: EventBridgeClient) => Promise<T>): Promise<T> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new EventBridgeClient({ endpoint, region: "eu-west-1", credentials: LOCAL_CREDENTIALS });
  try {
    return await work(client);
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
}

type Entry = ReturnType<typeof entriesOf>[number];

/** Events of a split, as entries of PutEvents. */
const entriesOf = (count: number) =>
  runOf(0, count - 2).map(({ source, detailType, detail }) => ({
    ...{ EventBusName: BUS, Source: source, DetailType: detailType, Detail: JSON.stringify(detail) },
  }));

/** Puts all entries, several requests at a time. */
async function put(client: EventBridgeClient, entries: readonly Entry[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(entries.length / ENTRIES) }, (_, at) =>
    entries.slice(at * ENTRIES, (at + 1) * ENTRIES),
  ).values();
  const lane = async () => {
    for (const Entries of batches) await client.send(new PutEventsCommand({ Entries }));
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, lane));
}

/** From PutEvents to a target: by the local bus, durable, and by a server that calls the target itself. */
async function throughput({ rules }: Topology<string>, folder: string, count: number): Promise<Row[]> {
  const entries = entriesOf(count);
  let received = 0;
  const target = async (_event: unknown): Promise<void> => {
    received += 1;
  };
  const projection = rules.find(({ target: to }) => to === "projector");
  if (projection === undefined) throw new Error("There is no rule for the projector");
  const retry = { attempts: 0, maxAgeSeconds: 60 };
  const arn = "arn:aws:lambda:eu-west-1:000000000000:function:one";
  const rule = { name: "one", bus: BUS, pattern: projection.pattern, targets: [{ id: "one", arn, retry }] };
  const bridge = await openEventBridge({
    ...{ directory: folder, region: "eu-west-1", account: "000000000000", buses: [BUS], rules: [rule], archives: [] },
    deliver: (_to, event) => target(event),
    sendDeadLetter: async () => {},
  });
  const direct: RequestListener = async (request, response) => {
    const { Entries } = (await json(request)) as { Entries: { Detail: string }[] };
    for (const { Detail } of Entries) await target(JSON.parse(Detail));
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify({ FailedEntryCount: 0, Entries: Entries.map((_, at) => ({ EventId: String(at) })) }));
  };
  try {
    const rival = "rival: the same requests, target called without a bus";
    const rates = await withServer(bridge.handle, (bus) =>
      withServer(direct, (none) =>
        ratesOf(entries.length, {
          "PutEvents to target, by the local bus": async () => {
            await put(bus, entries);
            await bridge.idle();
          },
          [rival]: () => put(none, entries),
        }),
      ),
    );
    if (received !== 2 * RUNS * entries.length) throw new Error(`The target received ${received} events`);
    return rowsOf(`deliveries of ${entries.length} events`, rates, rival);
  } finally {
    await bridge.close();
  }
}

/** Measures the pattern language and the local bus, each beside what does the same without it. */
export async function benchBus({ folder, events, isSaved }: BusOptions): Promise<void> {
  const graph = topology(await loadSettings("default"), LOCAL_NAMES);
  await report("bus", [...(await matching(graph, 10 * events)), ...(await throughput(graph, folder, events))], isSaved);
}
