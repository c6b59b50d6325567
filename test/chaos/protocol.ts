import type { BusEvent } from "../../infra/emulator/events/index.ts";
import type { Fault } from "../../infra/emulator/faults/index.ts";
import type { Plan } from "./plan.ts";
import type { Pairs } from "./videos.ts";

/** What the process of the stack is started with. */
export type StackOrder = {
  directory: string;
  /** 0: any free one. */
  port: number;
  /** The project whose functions are run. */
  root: string;
  plan: Plan;
  videos: Pairs;
  /** Invocations have too little time for a video. */
  isRanged: boolean;
  /** Faults that happened and shall not happen again, as `onceKey` writes them. */
  past: string[];
};

/** Faults that a run has once, whatever process its stack is in. */
const ONCE: readonly Fault[] = ["stack killed", "S3 object overwritten", "S3 object deleted"];

/** Undefined for a fault that may happen again in its run. */
export const onceKey = (run: number, fault: Fault): string | undefined =>
  ONCE.includes(fault) ? `${run} ${fault}` : undefined;

export type Question = "idle" | "calm" | "events" | "deadLetters" | "close";

/** To the process of the stack. */
export type StackRequest = { id: number; question: Question };

/** From it. */
export type Message =
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
  /** The process of a function was stopped: it can't notice that its stack has ended. */
  | { type: "frozen"; pid: number }
  /** The last message before it kills itself. */
  | { type: "killing" }
  | { type: "answer"; id: number; answer: unknown };

export type Answers = {
  /** When no event is being delivered. */
  idle: null;
  /** No faults from now on. */
  calm: null;
  /** All that the video bus has accepted. */
  events: BusEvent[];
  /** Dead letters, as texts. */
  deadLetters: string[];
  close: null;
};
