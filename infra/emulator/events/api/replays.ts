import * as z from "zod";
import { alreadyExists, EventBridgeException, invalid, invalidParameter } from "../exceptions.ts";
import { type ArchiveRecord, byName, type ReplayRecord } from "../registry.ts";
import { type Api, busOf, epochSeconds, operation, present, replayOf } from "./operation.ts";
import { page } from "./paging.ts";
import { arn, description, paging, replayName, timestamp } from "./shapes.ts";

const StartReplay = z.object({
  ReplayName: replayName,
  Description: description,
  EventSourceArn: arn,
  EventStartTime: timestamp,
  EventEndTime: timestamp,
  Destination: z.object({ Arn: arn, FilterArns: z.array(arn).default([]) }),
});

/** The archive and its bus: a replay to another bus is refused. */
function sourceOf({ EventSourceArn, Destination }: z.output<typeof StartReplay>, api: Api): ArchiveRecord {
  if (api.arns.nameIn("event-bus", Destination.Arn) === undefined) {
    throw invalidParameter("Destination.Arn", "Must contain an event bus ARN.");
  }
  const bus = busOf(api, Destination.Arn).name;
  const name = api.arns.nameIn("archive", EventSourceArn);
  const archive = name === undefined ? undefined : api.registry.archives.get(name);
  if (archive === undefined) {
    throw invalidParameter("EventSourceArn", `Archive ${name ?? EventSourceArn} does not exist.`);
  }
  if (archive.bus !== bus) throw invalidParameter("Destination.Arn", "Cross event bus replay is not permitted.");
  const otherBusRule = Destination.FilterArns.find((filter) => api.arns.ruleIn(filter)?.bus !== bus);
  if (otherBusRule !== undefined) {
    throw invalidParameter("Destination.FilterArns", `${otherBusRule} is not a rule of event bus ${bus}.`);
  }
  return archive;
}

export const startReplay = operation(StartReplay, (input, api) => {
  const { ReplayName, Description, EventStartTime, EventEndTime, Destination } = input;
  const { name, bus, pattern, retentionDays, from } = sourceOf(input, api);
  if (EventEndTime <= EventStartTime) {
    throw invalidParameter("EventEndTime", "EventStartTime must be before EventEndTime.");
  }
  if (api.registry.replays.has(ReplayName)) throw alreadyExists(`Replay ${ReplayName}`);
  const replay: ReplayRecord = {
    name: ReplayName,
    ...(Description !== undefined && { description: Description }),
    archive: { name, bus, retentionDays, ...(pattern !== undefined && { pattern }) },
    start: EventStartTime,
    end: EventEndTime,
    filterArns: Destination.FilterArns,
    state: "STARTING",
    startedAt: Date.now(),
    from,
    until: api.buses.store(bus).end,
  };
  api.registry.replays.set(ReplayName, replay);
  api.registry.save();
  api.replays.start(replay);
  return {
    ReplayArn: api.arns.replay(ReplayName),
    State: replay.state,
    ReplayStartTime: epochSeconds(replay.startedAt),
  };
});

const shown = (replay: ReplayRecord, { arns }: Api) =>
  present({
    ReplayName: replay.name,
    EventSourceArn: arns.archive(replay.archive.name),
    State: replay.state,
    StateReason: replay.stateReason,
    EventStartTime: replay.start,
    EventEndTime: replay.end,
    EventLastReplayedTime: replay.lastEventTime,
    ReplayStartTime: epochSeconds(replay.startedAt),
    ReplayEndTime: replay.endedAt === undefined ? undefined : epochSeconds(replay.endedAt),
  });

const Named = z.object({ ReplayName: replayName });

export const describeReplay = operation(Named, ({ ReplayName }, api) => {
  const replay = replayOf(api, ReplayName);
  return {
    ...shown(replay, api),
    ReplayArn: api.arns.replay(ReplayName),
    ...present({ Description: replay.description }),
    Destination: { Arn: api.arns.bus(replay.archive.bus), FilterArns: replay.filterArns },
  };
});

export const cancelReplay = operation(Named, ({ ReplayName }, api) => {
  const replay = replayOf(api, ReplayName);
  if (replay.state !== "STARTING" && replay.state !== "RUNNING") {
    throw new EventBridgeException(
      "IllegalStatusException",
      `Replay ${ReplayName} is not in a valid state for this operation.`,
    );
  }
  replay.state = "CANCELLING";
  api.registry.save();
  api.replays.wake();
  return { ReplayArn: api.arns.replay(ReplayName), State: replay.state };
});

const ListReplays = z.object({
  NamePrefix: replayName.optional(),
  State: z.enum(["STARTING", "RUNNING", "CANCELLING", "COMPLETED", "CANCELLED", "FAILED"]).optional(),
  EventSourceArn: arn.optional(),
  ...paging,
});

export const listReplays = operation(ListReplays, ({ NamePrefix, State, EventSourceArn, ...where }, api) => {
  if ([NamePrefix, EventSourceArn, State].filter((filter) => filter !== undefined).length > 1) {
    throw invalid("At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.");
  }
  const replays = byName(api.registry.replays.values()).filter(
    ({ name, state, archive }) =>
      name.startsWith(NamePrefix ?? "") &&
      (State === undefined || state === State) &&
      (EventSourceArn === undefined || api.arns.archive(archive.name) === EventSourceArn),
  );
  const { shown: some, ...next } = page(replays, ({ name }) => name, where);
  return { Replays: some.map((replay) => shown(replay, api)), ...next };
});
