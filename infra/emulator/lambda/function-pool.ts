import type { Code, CodeVersion } from "./code.ts";
import { LambdaClosedError } from "./errors.ts";
import {
  type EnvironmentOptions,
  type ExecutionEnvironment,
  type Invocation,
  startEnvironment,
} from "./execution-environment.ts";
import type { Outcome } from "./payload.ts";

/** A function's execution environments. */
export type FunctionPool = {
  /**
   * Runs the handler once, in a warm environment where there is one. Rejects with
   * `LambdaClosedError`.
   */
  run(invocation: Invocation): Promise<Outcome>;
  /** Kills all environments and waits until they have ended. */
  close(): Promise<void>;
};

export type PoolOptions = Omit<EnvironmentOptions, "version"> & {
  /** How long an environment is kept warm. */
  retireAfterMs: number;
};

type Warm = { environment: ExecutionEnvironment; retirement: NodeJS.Timeout };

/** The number of environments isn't limited here: there is one for each concurrent run. */
export function openPool(code: Code, options: PoolOptions): FunctionPool {
  const environments = new Set<ExecutionEnvironment>();
  const warm: Warm[] = [];
  const starting: CodeVersion[] = [];
  let closed = false;

  const start = async (version: CodeVersion): Promise<ExecutionEnvironment> => {
    starting.push(version);
    try {
      const environment = await startEnvironment({ ...options, version });
      environments.add(environment);
      environment.ended.then(() => environments.delete(environment));
      return environment;
    } finally {
      starting.splice(starting.indexOf(version), 1);
    }
  };

  const takeWarm = async (version: CodeVersion): Promise<ExecutionEnvironment | undefined> => {
    for (let last = warm.pop(); last !== undefined; last = warm.pop()) {
      clearTimeout(last.retirement);
      if (last.environment.isAlive() && last.environment.version === version) return last.environment;
      await last.environment.kill();
    }
    return undefined;
  };

  const keepWarm = (environment: ExecutionEnvironment) => {
    const entry = {
      environment,
      retirement: setTimeout(() => {
        warm.splice(warm.indexOf(entry), 1);
        void environment.kill();
      }, options.retireAfterMs),
    };
    warm.push(entry);
  };

  const prune = () => code.prune(new Set([...starting, ...[...environments].map(({ version }) => version)]));

  return {
    run: async (invocation) => {
      const version = await code.current();
      const environment = (await takeWarm(version)) ?? (await start(version));
      const outcome = closed ? undefined : await environment.invoke(invocation);
      if (closed || outcome === undefined) {
        await environment.kill();
        throw new LambdaClosedError(`Closed during invocation ${invocation.requestId} of ${options.spec.name}`);
      }
      if (environment.isAlive()) keepWarm(environment);
      await prune();
      return outcome;
    },
    close: async () => {
      closed = true;
      for (const { retirement } of warm.splice(0)) clearTimeout(retirement);
      await Promise.all([...environments].map((environment) => environment.kill()));
    },
  };
}
