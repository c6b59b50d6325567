import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { withSplitState } from "../../../infra/local/commands/split-state.ts";
import { parseSettings } from "../../../infra/settings.ts";
import { makeMedia } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

it("given a state that another command has removed, then the result of the work is still returned", async () => {
  const video = await makeMedia(await temporaryFolder(), "no-audio.mp4");
  const args = { video, seconds: 2, cut: undefined, out: undefined, json: false, verbose: false };
  const work = async (directory: string) => {
    await rm(directory, { recursive: true });
    return "split";
  };
  expect(await withSplitState(video, args, parseSettings({}), work)).toBe("split");
});
