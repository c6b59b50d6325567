import { createArchive, deleteArchive, describeArchive, listArchives, updateArchive } from "./archives.ts";
import { createEventBus, deleteEventBus, describeEventBus, listEventBuses } from "./event-buses.ts";
import type { Operation } from "./operation.ts";
import { putEvents } from "./put-events.ts";
import { cancelReplay, describeReplay, listReplays, startReplay } from "./replays.ts";
import { deleteRule, describeRule, disableRule, enableRule, listRules, putRule } from "./rules.ts";
import { listTagsForResource, tagResource, untagResource } from "./tags.ts";
import { listRuleNamesByTarget, listTargetsByRule, putTargets, removeTargets } from "./targets.ts";
import { testEventPattern } from "./test-event-pattern.ts";

/** By name, as in `X-Amz-Target`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    CancelReplay: cancelReplay,
    CreateArchive: createArchive,
    CreateEventBus: createEventBus,
    DeleteArchive: deleteArchive,
    DeleteEventBus: deleteEventBus,
    DeleteRule: deleteRule,
    DescribeArchive: describeArchive,
    DescribeEventBus: describeEventBus,
    DescribeReplay: describeReplay,
    DescribeRule: describeRule,
    DisableRule: disableRule,
    EnableRule: enableRule,
    ListArchives: listArchives,
    ListEventBuses: listEventBuses,
    ListReplays: listReplays,
    ListRuleNamesByTarget: listRuleNamesByTarget,
    ListRules: listRules,
    ListTagsForResource: listTagsForResource,
    ListTargetsByRule: listTargetsByRule,
    PutEvents: putEvents,
    PutRule: putRule,
    PutTargets: putTargets,
    RemoveTargets: removeTargets,
    StartReplay: startReplay,
    TagResource: tagResource,
    TestEventPattern: testEventPattern,
    UntagResource: untagResource,
    UpdateArchive: updateArchive,
  }),
);
