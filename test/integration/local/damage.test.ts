import { glob, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { DamagedStateError } from "../../../infra/emulator/damage.ts";
import { openDynamoDB } from "../../../infra/emulator/dynamodb.ts";
import { openEventBridge } from "../../../infra/emulator/events/index.ts";
import { openS3 } from "../../../infra/emulator/s3/index.ts";
import { openSqs } from "../../../infra/emulator/sqs/index.ts";
import { openStateFolder } from "../../../infra/emulator/state-folder.ts";
import { lockState } from "../../../infra/emulator/state-lock.ts";
import { LOCAL_NAMES } from "../../../infra/local/names.ts";
import { createTables } from "../../../infra/local/tables.ts";
import { parseSettings } from "../../../infra/settings.ts";
import { topology } from "../../../infra/topology.ts";
import { busEvent } from "../../emulator/events/bridge.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** Opens what a folder of the state holds, and closes it. With `fill` it puts something there first. */
type Use = (state: string, fill: boolean) => Promise<void>;

const s3: Use = async (state, fill) => {
  const opened = await openS3({ directory: join(state, "s3"), region: REGION, onObjectCreated: async () => {} });
  if (fill) {
    await opened.createBucket("videos");
    const endpoint = await serve(opened.handle);
    for (const key of ["one", "two"])
      await fetch(`${endpoint}/videos/${key}`, { method: "PUT", body: key.repeat(1_000) });
  }
  await opened.close();
};

const sqs: Use = async (state, fill) => {
  const queues = [{ name: "deadLetters", retentionDays: 14 }];
  const opened = await openSqs({ directory: join(state, "sqs"), region: REGION, queues });
  if (fill) {
    for (const body of ["one", "two"]) opened.send("deadLetters", { body, attributes: {} });
    const client = new SQSClient({ endpoint: await serve(opened.handle), region: REGION, credentials: CREDENTIALS });
    await client.send(new CreateQueueCommand({ QueueName: "mine" }));
    client.destroy();
  }
  opened.close();
};

const events: Use = async (state, fill) => {
  const retry = { attempts: 1, maxAgeSeconds: 60 };
  const targets = [{ id: "one", arn: "arn:aws:lambda:x:1:function:one", retry }];
  const opened = await openEventBridge({
    directory: join(state, "events"),
    region: REGION,
    account: "000000000000",
    buses: ["video"],
    rules: [{ name: "all", bus: "video", pattern: { source: ["test"] }, targets }],
    archives: [],
    deliver: () => new Promise(() => {}),
    sendDeadLetter: async () => {},
  });
  if (fill) {
    for (const n of [1, 2]) await opened.put("video", [busEvent({ n })]);
    await opened.close();
    return events(state, false);
  }
  await opened.close();
};

const dynamodb: Use = async (state, fill) => {
  const opened = await openDynamoDB(join(state, "dynamodb"));
  const endpoint = await serve(opened.handle);
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  const { ledger, videos } = topology(parseSettings({}), LOCAL_NAMES).tables;
  await createTables(client, fill ? [ledger, videos] : []);
  client.destroy();
  await opened.close();
};

const lock: Use = async (state) => (await lockState(state))();

const damages = {
  "cut off": async (path: string) => truncate(path, Math.floor((await readFile(path)).length / 2)),
  emptied: (path: string) => truncate(path),
  "no JSON": async (path: string) => writeFile(path, "no JSON\n".repeat((await readFile(path)).length + 1)),
  "of another shape": async (path: string) => writeFile(path, `{"a":1}\n`.repeat((await readFile(path)).length)),
  "one object of another shape": (path: string) => writeFile(path, '{"buses":5}'),
  replaced: async (path: string) => {
    await writeFile(`${path}.other`, "something else");
    await rename(`${path}.other`, path);
  },
  removed: (path: string) => rm(path),
} as const;

type Damage = keyof typeof damages;

const LINES: readonly Damage[] = ["cut off", "emptied", "no JSON", "of another shape", "replaced"];

const FILES: readonly (readonly [file: string, use: Use, damages: readonly Damage[]])[] = [
  ["s3/journal.jsonl", s3, [...LINES, "removed"]],
  ["s3/blobs/*", s3, ["cut off", "emptied", "removed"]],
  ["sqs/deadLetters.jsonl", sqs, LINES],
  ["sqs/created.json", sqs, ["cut off", "emptied", "no JSON", "one object of another shape"]],
  ["events/state.json", events, ["cut off", "emptied", "no JSON", "one object of another shape"]],
  ["events/buses/video-*/log.jsonl", events, LINES],
  ["events/buses/video-*/deliveries.jsonl", events, LINES],
  ["dynamodb/CURRENT", dynamodb, ["cut off", "emptied", "no JSON", "removed"]],
  ["dynamodb/MANIFEST-*", dynamodb, ["cut off", "emptied", "no JSON", "removed"]],
  ["dynamodb/*.log", dynamodb, ["no JSON", "removed"]],
  ["lock.sqlite", lock, ["no JSON"]],
];

/** What must not be lost; a mark or a log of LevelDB's own holds nothing. */
async function contentsOf(state: string): Promise<Map<string, string>> {
  const files = await Array.fromAsync(glob("**/*", { cwd: state, withFileTypes: true }));
  const kept = files.filter((file) => file.isFile() && !/\.end$|^LO(?:G|G\.old|CK)$|^lock/.test(file.name));
  const paths = kept.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, "latin1")] as const)));
}

const cases = FILES.flatMap(([file, use, kinds]) => kinds.map((damage) => [file, damage, use] as const));

describe("a file of the state", () => {
  it.each(cases)("%s that is %s is named, with what to do, and nothing is changed", async (file, damage, use) => {
    const state = await temporaryFolder();
    await openStateFolder(state);
    await use(state, true);
    const [name = ""] = (await Array.fromAsync(glob(file, { cwd: state }))).sort();
    await damages[damage](join(state, name));
    const before = await contentsOf(state);

    const error = await use(state, false).then(
      () => new Error("It was opened"),
      (thrown: Error) => thrown,
    );
    expect(error).toBeInstanceOf(DamagedStateError);
    expect(error.message).toMatch(/^\/\S+ is damaged \(.+\)\. (?:Restore it from a copy, or move|Remove it)/);
    expect(error.message.split("\n")).toHaveLength(1);
    if (basename(name) !== "CURRENT" && !name.includes("MANIFEST")) expect(error.message).toContain(join(state, name));
    expect(await contentsOf(state)).toEqual(before);

    const [, toMove = join(state, name)] = /move (\S+) away/.exec(error.message) ?? [];
    await rename(toMove, join(await temporaryFolder(), "away"));
    await openStateFolder(state);
    await use(state, false);
  });
});
