import { expect, inject, it } from "vitest";
import type { SynthOptions } from "./synth/contract.ts";
import { synthesise } from "./synth/index.ts";

const refusal = async (
  own: Record<string, unknown>,
  { stage = "mine", programs = "arm64", found = {} }: Partial<SynthOptions> = {},
): Promise<string> => {
  try {
    await synthesise(inject("program"), { stage, settings: { [stage]: own }, programs, found });
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

it("given an output that would match the input's rule, then nothing is deployed and both settings are named", async () => {
  const message = await refusal({
    "video_split.upload_bucket": "media",
    "video_split.output_bucket": "media",
    "video_split.output_key_prefix": "uploads/cuts/{video_name}/",
  });
  expect(message).toContain('settings.json can\'t be used for stage "mine"');
  expect(message).toContain(
    'video_split.output_key_prefix "uploads/cuts/{video_name}/" and video_split.upload_key_prefix "uploads/" clash: ' +
      "both are in bucket media, so every segment would be split again.",
  );
});

it("given an unknown setting, then it is refused by name", { tags: "full" }, async () => {
  const message = await refusal({ "video_split.output_bukket": "x" });
  expect(message).toContain("unknown setting video_split.output_bukket; known are video_split.output_bucket");
  // It's `app()` that refuses: SST knows of no region then.
  expect(message).toContain("regionOf");
});

it("given a stage whose name is too long for EventBridge, then it says how long it may be", {
  tags: "full",
}, async () => {
  const message = await refusal({}, { stage: "a-stage-with-a-very-long-name-indeed-my-friend" });
  expect(message).toContain('Stage "a-stage-with-a-very-long-name-indeed-my-friend" has a name that is too long');
  expect(message).toContain("at most 32 characters");
});

it("given ffmpeg of another architecture than the function's, then it isn't deployed", { tags: "full" }, async () => {
  const message = await refusal({}, { programs: "x86_64" });
  expect(message).toMatch(/ffmpeg \(FFMPEG_BIN \S+\) is for x86_64, but the function runs on arm64/);
  expect(message).not.toMatch(/^\s+at /m);
});

it("given that ffmpeg's host can't be reached, then it isn't deployed, and the message says what to do", {
  tags: "full",
}, async () => {
  const message = await refusal({}, { programs: null });
  expect(message).toContain("127.0.0.1:9 can't be reached");
  expect(message).toContain("FFMPEG_BINARIES_URL");
  expect(message).not.toMatch(/^\s+at /m);
});

const ROLES = "aws:iam/getRoles:getRoles";

const rolesIn = (region: string, stage: string) => ({
  [ROLES]: {
    arns: [`arn:aws:iam::123456789012:role/video-split/${stage}/${region}/SplitRole-1a2b`],
  },
});

it("given a stage that is deployed in another region, then both regions are named, and what to do", async () => {
  const message = await refusal({ "dynamodb.region": "us-west-2" }, { found: rolesIn("eu-west-1", "mine") });
  expect(message).toContain('Stage "mine" is deployed in eu-west-1, and dynamodb.region says us-west-2');
  expect(message).toContain("set dynamodb.region to eu-west-1 again");
  expect(message).not.toMatch(/^\s+at /m);
});

it("given that it is deployed in the same region, and another stage elsewhere, then it is deployed", {
  tags: "full",
}, async () => {
  const [own, other] = [rolesIn("eu-west-1", "mine"), rolesIn("us-west-2", "mine-too")].map(
    (found) => found[ROLES].arns,
  );
  expect(
    await refusal({ "dynamodb.region": "eu-west-1" }, { found: { [ROLES]: { arns: [...own!, ...other!] } } }),
  ).toBe("");
});
