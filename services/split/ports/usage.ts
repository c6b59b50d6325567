import type { Usage } from "../../video/usage.ts";

/**
 * What this invocation has used since the last call, or since it began. `invocations` is 1 in the
 * first result and 0 in the others, so that their sum is what the invocation used.
 */
export type TakeUsage = () => Usage;
