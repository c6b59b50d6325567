/**
 * The result of work, and whether another delivery gets it as its answer instead of working again.
 */
export type Done<T> = { result: T; remember: boolean };

/**
 * Does work at most once for a key, also when two deliveries come at the same time; a crashed
 * attempt's retry does it again. `asking` says what is asked of the work: a delivery that comes
 * while another one is at it learns what that one's was.
 */
export type Once = <T>(
  key: string,
  asking: string,
  work: () => Promise<Done<T>>,
) => Promise<{ result: T } | { busyWith: string | undefined }>;
