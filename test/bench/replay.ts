import { createHash } from "node:crypto";
import { DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { paginateScan } from "@aws-sdk/lib-dynamodb";
import { functionArn } from "../../infra/emulator/arns.ts";
import { createTables } from "../../infra/local/tables.ts";
import { replayLog } from "../../infra/operations/replay.ts";
import { putEvents, runOf } from "../fixtures/announcing.ts";
import { NEVER } from "../fixtures/cut.ts";
import { type BenchStack, withStack } from "./stack.ts";

/** Events of one video: the plan, its segments and the end. */
const EVENTS_A_VIDEO = 80;

/** Of all documents, to the byte: in the order of their keys. */
async function digestOf({ documents, stack }: BenchStack): Promise<{ count: number; digest: string }> {
  const texts: [number, string][] = [];
  for await (const { Items = [] } of paginateScan({ client: documents }, { TableName: stack.names.videos }))
    for (const item of Items) texts.push([Number(item.VideoId), JSON.stringify(item)]);
  const hash = createHash("sha256");
  for (const [, text] of texts.sort(([one], [other]) => one - other)) hash.update(text);
  return { count: texts.length, digest: hash.digest("hex") };
}

async function dropTable({ tables, stack }: BenchStack): Promise<void> {
  await tables.send(new DeleteTableCommand({ TableName: stack.names.videos }));
  await createTables(tables, Object.values(stack.topology.tables));
}

const rate = (events: number, seconds: number): string =>
  `${seconds.toFixed(1)} s, ${(events / seconds).toFixed(0)} a second`;

/** Projects so many events, drops the table, replays the log, and compares. Throws where the documents differ. */
export async function benchReplay(events: number): Promise<void> {
  const videos = Math.ceil(events / EVENTS_A_VIDEO);
  await withStack({}, async (bench) => {
    const begun = performance.now();
    const announced = Array.from({ length: videos }, (_, video) => runOf(video, EVENTS_A_VIDEO - 2)).flat();
    await putEvents(bench, announced);
    const seconds = (performance.now() - begun) / 1_000;
    const before = await digestOf(bench);
    process.stdout.write(
      `projected  ${announced.length} events into ${before.count} documents in ${rate(announced.length, seconds)}\n`,
    );

    await dropTable(bench);
    const { stack } = bench;
    const { bus, archive, videos: table } = stack.names;
    const projectorArn = functionArn(stack.region, "projector");
    const deployment = { ...bench, bus, archive, table, projectorArn, settledMs: 2_000, archivingMs: 0 };
    const span = { from: new Date(0), to: new Date(Date.now() + 1_000) };
    const outcome = await replayLog(deployment, span, () => {}, NEVER);
    const after = await digestOf(bench);
    process.stdout.write(`replayed   into ${after.count} documents in ${rate(announced.length, outcome.seconds)}\n`);
    process.stdout.write(`before     sha256:${before.digest}\nafter      sha256:${after.digest}\n`);
    if (before.digest !== after.digest) throw new Error("The documents differ");
    process.stdout.write("identical\n");
  });
}
