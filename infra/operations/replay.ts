import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DescribeArchiveCommand,
  DescribeReplayCommand,
  type EventBridgeClient,
  StartReplayCommand,
} from "@aws-sdk/client-eventbridge";
import { type DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { rulesTo } from "./projector.ts";

/** Where the log and the documents of one deployment are. */
export type Deployment = {
  events: EventBridgeClient;
  documents: DynamoDBDocumentClient;
  /** Names. */
  bus: string;
  archive: string;
  table: string;
  /** The function that writes the table. */
  projectorArn: string;
  /**
   * Milliseconds without a change after which the documents count as complete: a replay ends when
   * its events were sent, not when they were handled.
   */
  settledMs: number;
  /** Milliseconds until the archive has an event that was put on the bus. */
  archivingMs: number;
};

export type Span = { from: Date; to: Date };

/** Numbers of documents after a replay. */
export type ReplayOutcome = {
  seconds: number;
  before: number;
  after: number;
  added: number;
  changed: number;
  gone: number;
};

export type ReplayProgress = { state: string; until: Date | undefined };

/** The replay was cancelled or failed, or the archive or the table doesn't exist. */
export class ReplayError extends Error {
  override name = "ReplayError";
}

const JSON_KEYS_SORTED = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;

/** A digest of each document by its id, so that many documents need little memory. */
export async function digests({ documents, table }: Deployment): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  try {
    for await (const { Items = [] } of paginateScan({ client: documents }, { TableName: table, ConsistentRead: true }))
      for (const item of Items) {
        const text = JSON.stringify(item, JSON_KEYS_SORTED);
        found.set(Number(item.VideoId), createHash("sha256").update(text).digest("base64"));
      }
  } catch (cause) {
    if ((cause as Error).name !== "ResourceNotFoundException") throw cause;
    throw new ReplayError(
      `Table ${table} doesn't exist. Create it with "npx sst refresh" and "npx sst deploy" for its stage, then replay`,
      { cause },
    );
  }
  return found;
}

const POLL_MS = 500;

/** Factor for the wait until the first change: the projector may have to start first. */
const FIRST_CHANGE_FACTOR = 4;

/** The documents after they stopped changing. `before`: the documents before the replay. */
async function settled(
  deployment: Deployment,
  before: Map<number, string>,
  signal: AbortSignal,
): Promise<Map<number, string>> {
  let current = await digests(deployment);
  let hasChanged = !isSame(before, current);
  for (let since = Date.now(); Date.now() - since < deployment.settledMs * (hasChanged ? 1 : FIRST_CHANGE_FACTOR); ) {
    await sleep(POLL_MS, undefined, { signal });
    const next = await digests(deployment);
    if (!isSame(current, next)) {
      since = Date.now();
      hasChanged = true;
    }
    current = next;
  }
  return current;
}

const isSame = (one: Map<number, string>, other: Map<number, string>): boolean =>
  one.size === other.size && [...one].every(([id, digest]) => other.get(id) === digest);

/** Waits until all events of the span are in the archive. */
async function archived(
  { archivingMs }: Deployment,
  { to }: Span,
  onProgress: (progress: ReplayProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const left = Math.min(Date.now(), to.getTime()) + archivingMs - Date.now();
  if (left <= 0) return;
  onProgress({ state: `WAITING ${Math.ceil(left / 1_000)} s FOR THE ARCHIVE`, until: undefined });
  await sleep(left, undefined, { signal });
}

/**
 * Replays the log to the projector and waits until the documents stop changing. Existing documents
 * are kept: the events are folded into them again, which changes nothing. To rebuild the table from
 * nothing, drop it first.
 */
export async function replayLog(
  deployment: Deployment,
  { from, to }: Span,
  onProgress: (progress: ReplayProgress) => void,
  signal: AbortSignal,
): Promise<ReplayOutcome> {
  const { events, archive, bus, projectorArn } = deployment;
  const begun = performance.now();
  await archived(deployment, { from, to }, onProgress, signal);
  const before = await digests(deployment);
  // Other consumers don't receive replayed events.
  const FilterArns = await rulesTo(events, bus, projectorArn);
  const { ArchiveArn, EventSourceArn } = await events.send(new DescribeArchiveCommand({ ArchiveName: archive }));
  if (ArchiveArn === undefined || EventSourceArn === undefined) throw new ReplayError(`Archive ${archive} has no ARN`);
  const ReplayName = `rebuild-${Date.now()}`;
  await events.send(
    new StartReplayCommand({
      ReplayName,
      EventSourceArn: ArchiveArn,
      EventStartTime: from,
      EventEndTime: to,
      Destination: { Arn: EventSourceArn, FilterArns },
      Description: `Rebuilds the documents of bus ${bus}`,
    }),
  );
  for (;;) {
    const replay = await events.send(new DescribeReplayCommand({ ReplayName }));
    const { State = "UNKNOWN", StateReason, EventLastReplayedTime } = replay;
    onProgress({ state: State, until: EventLastReplayedTime });
    if (State === "COMPLETED") break;
    if (State === "FAILED" || State === "CANCELLED")
      throw new ReplayError(`The replay ended as ${State}: ${StateReason}`);
    await sleep(POLL_MS, undefined, { signal });
  }
  const after = await settled(deployment, before, signal);
  const ids = [...after.keys()];
  return {
    seconds: (performance.now() - begun) / 1_000,
    before: before.size,
    after: after.size,
    added: ids.filter((id) => !before.has(id)).length,
    changed: ids.filter((id) => before.has(id) && before.get(id) !== after.get(id)).length,
    gone: [...before.keys()].filter((id) => !after.has(id)).length,
  };
}
