/**
 * The result of work. `keep`: whether other deliveries get this result instead of doing the work
 * again.
 */
export type Done<T> = { result: T; keep: boolean };

/**
 * Does work at most once for a key, also when two deliveries arrive at the same time; the retry of
 * a crashed attempt does it again. `requestHash` is a hash of the request. A delivery that arrives
 * while another one works gets the other one's `requestHash` as `busyWith`.
 */
export type Once = <T>(
  key: string,
  requestHash: string,
  work: () => Promise<Done<T>>,
) => Promise<{ result: T } | { busyWith: string | undefined }>;
