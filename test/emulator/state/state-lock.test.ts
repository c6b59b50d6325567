import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { lockState, StateInUseError } from "../../../infra/emulator/state-lock.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import type { Answer, Order } from "./lock-contender.ts";

const CONTENDERS = 6;
const ROUNDS = 8;
const TURNS = 200;

function startContender(): ChildProcess {
  const child = fork(join(import.meta.dirname, "lock-contender.ts"), { execArgv: [], stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function ask(child: ChildProcess, order: Order): Promise<Answer> {
  child.send(order);
  const [answer] = (await once(child, "message")) as [Answer];
  return answer;
}

const contenders = () => Array.from({ length: CONTENDERS }, startContender);

describe("the lock on a state folder", () => {
  it("given an owner that was killed, then exactly one of several starters gets it, round after round", async () => {
    const directory = await temporaryFolder();
    const children = contenders();
    for (let round = 0; round < ROUNDS; round += 1) {
      const answers = await Promise.all(children.map((child) => ask(child, { type: "lock", directory })));
      const winners = children.filter((_, at) => "won" in answers[at]! && answers[at].won);
      expect(winners).toHaveLength(1);
      const [winner] = winners;
      winner!.kill("SIGKILL");
      await once(winner!, "exit");
      children[children.indexOf(winner!)] = startContender();
    }
  });

  it("given owners that remove the folder, then no two ever have it", async () => {
    const directory = join(await temporaryFolder(), "state");
    const answers = await Promise.all(
      contenders().map((child) => ask(child, { type: "come and go", directory, times: TURNS })),
    );
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    expect(sum(answers.map((answer) => ("turns" in answer ? answer.turns : 0)))).toBeGreaterThan(CONTENDERS);
    expect(sum(answers.map((answer) => ("clashes" in answer ? answer.clashes : 0)))).toBe(0);
  });

  it("is held against the same process too, named in the refusal, and free once released", async () => {
    const directory = await temporaryFolder();
    const release = await lockState(directory);
    await expect(lockState(directory)).rejects.toThrow(StateInUseError);
    await expect(lockState(directory)).rejects.toThrow(`process ${process.pid}`);
    release();
    release();
    (await lockState(directory))();
  });
});
