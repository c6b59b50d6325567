import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Fault } from "../../infra/emulator/faults/index.ts";
import { type Answers, type Message, onceKey, type Question, type StackOrder, type StackRequest } from "./protocol.ts";

export type Place = Extract<Message, { type: "ready" }>;

export type HostOptions = Omit<StackOrder, "port" | "past"> & {
  onFault(run: number, fault: Fault): void;
  onStored(run: number): void;
  onConflict(): void;
};

const PROGRAM = join(import.meta.dirname, "stack-process.ts");

/** Kills a function's process and all that it started, unless they have ended. */
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
  readonly #past: string[] = [];
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

  /** Endpoint and names: the same after it was started again. */
  get place(): Place {
    if (this.#place === undefined) throw new Error("The stack isn't up yet");
    return this.#place;
  }

  /** Resolves with the stack's response. The request is repeated if the stack was killed. */
  ask<Q extends Question>(question: Q): Promise<Answers[Q]> {
    if (question === "close") this.#closing = true;
    const answer = new Promise<Answers[Q]>((resolve) => {
      const id = this.#asked++;
      this.#waiting.set(id, { question, resolve: (given) => resolve(given as Answers[Q]) });
      this.#send({ id, question });
    });
    return Promise.race([answer, this.#breakdown]);
  }

  /** Ends it, whatever it does. */
  kill(): void {
    this.#closing = true;
    this.#child?.kill("SIGKILL");
  }

  #send(asked: StackRequest): void {
    // A stack that is being killed may not respond: the request is sent to the next one again.
    if (this.#isUp) this.#child?.send(asked, () => {});
  }

  #start(): Promise<void> {
    const { directory, root, plan, videos, isRanged } = this.#options;
    const port = this.#place === undefined ? 0 : Number(new URL(this.#place.endpoint).port);
    const order: StackOrder = { directory, root, plan, videos, isRanged, port, past: this.#past };
    const child = fork(PROGRAM, [JSON.stringify(order)], {
      execArgv: [],
      // Files of a killed process are removed with the directory.
      env: { ...process.env, TMPDIR: directory, NODE_NO_WARNINGS: "1" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    const ready = new Promise<void>((resolve) => {
      child.on("message", (message: Message) => this.#receive(message, resolve));
    });
    child.once("exit", (code, signal) => void this.#ended(child, code, signal));
    return Promise.race([ready, this.#breakdown]);
  }

  async #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    this.#isUp = false;
    // Its last messages may still arrive.
    if (child.connected) await once(child, "disconnect");
    for (const pid of this.#frozen) killGroup(pid);
    this.#frozen.clear();
    if (this.#closing) return;
    if (signal !== "SIGKILL") return this.#broken(new Error(`The stack ended by itself (${signal ?? code})`));
    await this.#start();
  }

  #receive(message: Message, ready: () => void): void {
    switch (message.type) {
      case "ready":
        this.#place = message;
        this.#isUp = true;
        ready();
        for (const [id, { question }] of this.#waiting) this.#send({ id, question });
        return;
      case "failed":
        this.#broken(new Error(message.message));
        return;
      case "fault":
        this.#past.push(...[onceKey(message.run, message.fault) ?? []].flat());
        this.#options.onFault(message.run, message.fault);
        return;
      case "conflict":
        this.#options.onConflict();
        return;
      case "stored":
        this.#options.onStored(message.run);
        return;
      case "frozen":
        this.#frozen.add(message.pid);
        return;
      case "killing":
        return;
      case "answer": {
        const waiting = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        waiting?.resolve(message.answer);
      }
    }
  }
}
