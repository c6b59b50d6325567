import type { BusEvent } from "../../infra/local/events/index.ts";
import type { Fault } from "../../infra/local/faults/index.ts";
import type { Plan } from "./plan.ts";

/** What the process of the stack is started with. */
export type StackOrder = {
  directory: string;
  /** 0: any free one. */
  port: number;
  /** The project whose functions are run. */
  root: string;
  plan: Plan;
  /** Runs in which it was killed before. */
  killed: number[];
};

export type Question = "idle" | "calm" | "events" | "letters" | "close";

/** To the process of the stack. */
export type Asked = { id: number; question: Question };

/** From it. */
export type Told =
  | {
      type: "ready";
      endpoint: string;
      region: string;
      names: Record<"uploads" | "segments" | "videos" | "bus" | "archive", string>;
    }
  | { type: "failed"; message: string }
  | { type: "fault"; run: number; fault: Fault }
  /** A segment was put into the output bucket. */
  | { type: "stored"; run: number }
  /** A conditional write of a function was refused, since another one came before it. */
  | { type: "conflict" }
  /** The process of a function was stopped: it can't see that its stack is gone. */
  | { type: "frozen"; pid: number }
  /** The last word before it kills itself. */
  | { type: "dying" }
  | { type: "answer"; id: number; answer: unknown };

export type Answers = {
  /** When no event is on its way. */
  idle: null;
  /** Nothing is broken from now on. */
  calm: null;
  /** All that the video bus has accepted. */
  events: BusEvent[];
  /** Dead letters, as texts. */
  letters: string[];
  close: null;
};
