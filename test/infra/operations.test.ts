import { beforeAll, describe, expect, inject, it } from "vitest";
import { functionOfQueue } from "../../infra/aws/queues.ts";
import { rulesTo } from "../../infra/operations/projector.ts";
import { eachDeadLetter, redriveDeadLetters } from "../../infra/operations/redrive.ts";
import { findStageResources, functionArnOf, StageNotFoundError } from "../../infra/operations/stage-resources.ts";
import type { FunctionId, QueueId } from "../../infra/topology.ts";
import { functionArn, openAccount } from "./account.ts";
import { Graph } from "./graph.ts";
import { STAGE_OF_MAX_LENGTH as LONG } from "./stages.ts";
import { synthesise } from "./synth/index.ts";
import { graphOf as synthesised } from "./synthesised.ts";

/** SST shortens the names of resources of the last one. */
const STAGES = ["ada", "ada-2", LONG];

/** It only has the same name as ours, and a tag that anyone can set. */
const FOREIGN = { arn: functionArn("my-projector-feed"), tags: { "video-split:function": "projector" } };

const NEVER = new AbortController().signal;

const graphs = new Map<string, Graph>();
const graphOf = (stage: string): Graph => graphs.get(stage)!;

const queueName = (graph: Graph, id: string): string => String(graph.queue(id).state.name);
const queueIds = (graph: Graph) => Object.keys(graph.topology.queues) as QueueId[];

async function openStages() {
  const account = await openAccount([...graphs.values()], FOREIGN);
  // A dead letter in each queue of each stage.
  for (const graph of graphs.values())
    for (const id of queueIds(graph)) {
      const target = graph.lambda(functionOfQueue(graph.topology, id)).state.arn;
      account.leave(queueName(graph, id), `${target}:$LATEST`);
    }
  return account;
}

beforeAll(async () => {
  const neighbour = await synthesise(inject("program"), { stage: "ada-2", settings: {}, programs: "arm64" });
  for (const graph of [synthesised("ada"), new Graph(neighbour, {}), synthesised(LONG)])
    graphs.set(graph.synthesis.app.stage, graph);
});

describe("given stages ada and ada-2 and one with a long name in one account", () => {
  it("then their queues' names don't identify the stage", () => {
    expect(queueName(graphOf("ada-2"), "splitFailures")).toMatch(/^video-split-ada-/);
    const [shortened] = queueIds(graphOf(LONG)).filter(
      (id) => !queueName(graphOf(LONG), id).startsWith(`video-split-${LONG}-`),
    );
    expect(shortened).toBeDefined();
  });

  it.each(STAGES)("then exactly the dead letters of %s are listed", { tags: "full" }, async (stage) => {
    const { tagging, ...account } = await openStages();
    const resources = await findStageResources(tagging, stage);
    const found: string[] = [];
    await eachDeadLetter({ ...account, resources }, ({ queue }) => found.push(queue), NEVER);
    const own = queueIds(graphOf(stage)).map((id) => queueName(graphOf(stage), id));
    expect(found.sort()).toEqual(own.sort());
  });

  it.each(STAGES)(
    "then a redrive of %s invokes its functions, and leaves the other stages' dead letters",
    async (stage) => {
      const { tagging, ...account } = await openStages();
      const resources = await findStageResources(tagging, stage);
      await redriveDeadLetters(
        { ...account, resources },
        () => true,
        () => {},
        NEVER,
      );
      const functions = Object.keys(graphOf(stage).topology.functions) as FunctionId[];
      const own = functions.map((id) => `${graphOf(stage).lambda(id).state.arn}:$LATEST`);
      expect(account.invoked.sort()).toEqual([...own, ...own].sort());
      for (const [name, graph] of graphs)
        for (const id of queueIds(graph)) expect(account.messagesIn(queueName(graph, id))).toBe(name === stage ? 0 : 1);
    },
  );

  it.each(STAGES)("then a replay of %s reaches its projector by its own rule alone", async (stage) => {
    const { tagging, events } = await openStages();
    const graph = graphOf(stage);
    const projector = functionArnOf(await findStageResources(tagging, stage), "projector");
    expect(projector).toBe(graph.lambda("projector").state.arn);
    const [rule] = graph.all("cloudwatch/eventRule:EventRule").filter(({ name }) => name.includes("ProjectVideo"));
    expect(await rulesTo(events, graph.topology.buses.video.name, projector)).toEqual([rule?.state.arn]);
  });

  it("then a dead letter that names another function than its queue's is kept, and nothing is invoked", async () => {
    const { tagging, ...account } = await openStages();
    const queue = queueName(graphOf("ada"), "projectorFailures");
    account.leave(queue, FOREIGN.arn);
    const resources = await findStageResources(tagging, "ada");
    const kept: string[] = [];
    await redriveDeadLetters(
      { ...account, resources },
      (deadLetter) => deadLetter.queue === queue,
      (_, redrive) => redrive.outcome === "kept" && kept.push(redrive.why),
      NEVER,
    );
    expect(kept).toEqual([
      expect.stringContaining("it is for arn:aws:lambda:us-east-1:123456789012:function:my-projector-feed"),
    ]);
    expect(account.invoked).toEqual([`${graphOf("ada").lambda("projector").state.arn}:$LATEST`]);
    expect(account.messagesIn(queue)).toBe(1);
  });

  it("then a stage that doesn't exist is an error", async () => {
    const { tagging } = await openStages();
    await expect(findStageResources(tagging, "ad")).rejects.toThrow(StageNotFoundError);
    await expect(findStageResources(tagging, "ad")).rejects.toThrow('There is no stage "ad" in us-east-1');
  });
});
