import type { MissingRun } from "../../split/domain/missing-frames.ts";
import type { Playback } from "./playback.ts";

/** Frames that can't be decoded, since their bytes were overwritten in the source. */
export type Damage = {
  /** By their indexes in presentation order: `from` included and `to` not. */
  runs: MissingRun[];
  /** How many they are. */
  frames: number;
};

/**
 * The runs of missing frames that hold at least one whose bytes are no picture: the others of such a
 * run refer to it. A run without any is a result of the cut: leading pictures of an open group.
 */
export const damageOf = ({ missing }: Playback, found: readonly { isDamaged: boolean }[]): Damage =>
  withCount(missing.filter(({ from, to }) => found.slice(from, to).some(({ isDamaged }) => isDamaged)));

/** Every missing frame is a result of damage. */
export const allOf = ({ missing }: Playback): Damage => withCount([...missing]);

const withCount = (runs: MissingRun[]): Damage => ({
  runs,
  frames: runs.reduce((sum, { from, to }) => sum + to - from, 0),
});
