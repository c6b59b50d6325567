import type { Keyframes } from "../api/types.ts";
import { useAnswer, useStore } from "./use-store.ts";

/**
 * The keyframes of a video's source, which are asked for once; undefined until they're there. Asked
 * for again when `status` changes, if the first time there was no document yet.
 */
export function useKeyframes(videoId: number, status: string): Keyframes | undefined {
  const { client, keyframes } = useStore();
  const { value, error } = useAnswer(
    async (signal) => {
      const kept = keyframes.get(videoId);
      if (kept !== undefined) return kept;
      const found = await client.get<Keyframes>(`videos/${videoId}/keyframes`, {}, signal);
      keyframes.set(videoId, found);
      return found;
    },
    [client, videoId, status],
  );
  return error === undefined ? value : { known: false, why: error };
}
