import type { SegmentStore } from "../../services/poster/ports/segment-store.ts";
import { fakeMediaStore } from "./media-store.ts";

/** A segments' bucket in memory. */
export function fakeSegmentStore() {
  const { store, put, remove, forbid } = fakeMediaStore();
  const segments: SegmentStore = {
    find: async (bucket, key, signal) => {
      const found = await store.describe(bucket, key, undefined, signal);
      if (found === undefined) return undefined;
      const { source, bytes } = found;
      return { bytes, read: (start, end, ending) => store.read(source, start, end, ending) };
    },
    writePicture: async (bucket, key, jpeg, signal) => {
      signal.throwIfAborted();
      put(bucket, key, jpeg);
    },
  };
  return { store: segments, put, remove, forbid };
}
