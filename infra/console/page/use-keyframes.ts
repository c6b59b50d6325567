import { useEffect, useState } from "preact/hooks";
import type { Keyframes } from "../api/types.ts";
import { useAnswer, useStore } from "./use-store.ts";

/** Milliseconds from a failure to the next request. */
const PAUSE_MS = 1_500;

/**
 * The keyframes of a video's source, which are asked for once; undefined until they're there. Asked
 * for again after a failure: the page knows of a video from its events, which its document follows.
 */
export function useKeyframes(videoId: number): Keyframes | undefined {
  const { client, keyframes } = useStore();
  const [attempt, setAttempt] = useState(0);
  const { value, error } = useAnswer(
    async (signal) => {
      const kept = keyframes.get(videoId);
      if (kept !== undefined) return kept;
      const found = await client.get<Keyframes>(`videos/${videoId}/keyframes`, {}, signal);
      keyframes.set(videoId, found);
      return found;
    },
    [client, videoId, attempt],
  );
  useEffect(() => {
    if (error === undefined) return;
    const timer = setTimeout(() => setAttempt((count) => count + 1), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [error]);
  return error === undefined ? value : { known: false, why: error };
}
