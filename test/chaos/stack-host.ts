import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Fault } from "../../infra/local/faults/index.ts";
import type { Answers, Asked, Question, StackOrder, Told } from "./protocol.ts";

export type Place = Extract<Told, { type: "ready" }>;

export type HostOptions = Omit<StackOrder, "port" | "killed"> & {
  onFault(run: number, fault: Fault): void;
  onStored(run: number): void;
  onConflict(): void;
};

const PROGRAM = join(import.meta.dirname, "stack-process.ts");

/** A function's process with all that it started, where it's still there. */
function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Keeps a stack up in another process: when that is killed, it is started again on what it left behind. */
export class StackHost {
  readonly #options: HostOptions;
  readonly #killed: number[] = [];
  readonly #waiting = new Map<number, { question: Question; resolve(answer: unknown): void }>();
  #child: ChildProcess | undefined;
  #place: Place | undefined;
  /** Functions' processes that were stopped. */
  readonly #frozen = new Set<number>();
  #isUp = false;
  #asked = 0;
  #closing = false;
  #broken: (error: Error) => void = () => {};
  /** Rejects when the stack can't be kept up. */
  readonly #breakdown: Promise<never>;

  private constructor(options: HostOptions) {
    this.#options = options;
    this.#breakdown = new Promise((_, reject) => {
      this.#broken = reject;
    });
    this.#breakdown.catch(() => {});
  }

  static async open(options: HostOptions): Promise<StackHost> {
    const host = new StackHost(options);
    await host.#start();
    return host;
  }

  /** Where it is; the same after it was started again. */
  get place(): Place {
    if (this.#place === undefined) throw new Error("The stack isn't up yet");
    return this.#place;
  }

  /** What the stack answers: asked again when it was killed on the way. */
  ask<Q extends Question>(question: Q): Promise<Answers[Q]> {
    if (question === "close") this.#closing = true;
    const answer = new Promise<Answers[Q]>((resolve) => {
      const id = this.#asked++;
      this.#waiting.set(id, { question, resolve: (given) => resolve(given as Answers[Q]) });
      this.#send({ id, question });
    });
    return Promise.race([answer, this.#breakdown]);
  }

  /** Ends it, however it is. */
  kill(): void {
    this.#closing = true;
    this.#child?.kill("SIGKILL");
  }

  #send(asked: Asked): void {
    // What one that is dying doesn't answer, its successor is asked.
    if (this.#isUp) this.#child?.send(asked, () => {});
  }

  #start(): Promise<void> {
    const { directory, root, plan } = this.#options;
    const port = this.#place === undefined ? 0 : Number(new URL(this.#place.endpoint).port);
    const order: StackOrder = { directory, root, plan, port, killed: this.#killed };
    const child = fork(PROGRAM, [JSON.stringify(order)], {
      execArgv: [],
      // Whatever it leaves there when it's killed goes with the rest.
      env: { ...process.env, TMPDIR: directory, NODE_NO_WARNINGS: "1" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    const ready = new Promise<void>((resolve) => {
      child.on("message", (told: Told) => this.#hear(told, resolve));
    });
    child.once("exit", (code, signal) => void this.#ended(child, code, signal));
    return Promise.race([ready, this.#breakdown]);
  }

  async #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    this.#isUp = false;
    // What it said last may still be on its way.
    if (child.connected) await once(child, "disconnect");
    for (const pid of this.#frozen) killGroup(pid);
    this.#frozen.clear();
    if (this.#closing) return;
    if (signal !== "SIGKILL") return this.#broken(new Error(`The stack ended by itself (${signal ?? code})`));
    await this.#start();
  }

  #hear(told: Told, ready: () => void): void {
    switch (told.type) {
      case "ready":
        this.#place = told;
        this.#isUp = true;
        ready();
        for (const [id, { question }] of this.#waiting) this.#send({ id, question });
        return;
      case "failed":
        this.#broken(new Error(told.message));
        return;
      case "fault":
        if (told.fault === "stack killed") this.#killed.push(told.run);
        this.#options.onFault(told.run, told.fault);
        return;
      case "conflict":
        this.#options.onConflict();
        return;
      case "stored":
        this.#options.onStored(told.run);
        return;
      case "frozen":
        this.#frozen.add(told.pid);
        return;
      case "dying":
        return;
      case "answer": {
        const waiting = this.#waiting.get(told.id);
        this.#waiting.delete(told.id);
        waiting?.resolve(told.answer);
      }
    }
  }
}
