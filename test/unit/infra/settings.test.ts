import { describe, expect, it } from "vitest";
import { parseSettings, SettingsError, settingsOfStage } from "../../../infra/settings.ts";

const faultOf = (values: Record<string, unknown>): string => {
  try {
    parseSettings(values);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return "";
};

describe("settings", () => {
  it("default to segments of 30 seconds below segments/", () => {
    expect(parseSettings({})).toMatchObject({
      "video_split.output_files_duration_in_sec": 30,
      "video_split.output_key_prefix": "segments/{video_name}/",
      "video_split.upload_key_prefix": "uploads/",
    });
  });

  it("overlay the stage's own part on the default", () => {
    const file = {
      default: { "video_split.output_files_duration_in_sec": 10 },
      prod: { "video_split.output_files_duration_in_sec": 60 },
    };
    expect(settingsOfStage(file, "prod")["video_split.output_files_duration_in_sec"]).toBe(60);
    expect(settingsOfStage(file, "mine")["video_split.output_files_duration_in_sec"]).toBe(10);
  });

  it("refuse an unknown name and list the known ones", () => {
    expect(faultOf({ "video_split.output_bukket": "x" })).toMatch(
      /unknown setting video_split.output_bukket; known are .*video_split.output_bucket/,
    );
  });

  it.each([
    [
      { "video_split.output_files_duration_in_sec": 0 },
      "video_split.output_files_duration_in_sec must be at least 0.5",
    ],
    [{ "video_split.output_bucket": "Has_Capitals" }, "video_split.output_bucket must be a bucket's name"],
    [
      { "video_split.output_key_prefix": "x/{vidoe_name}/" },
      "video_split.output_key_prefix may hold {video_name} and {video_id}",
    ],
    [{ "video_split.output_key_prefix": "x/../y/" }, "video_split.output_key_prefix must not hold '.' or '..'"],
    [{ "video_split.cut": "smart" }, 'video_split.cut must be "exact" or "keyframe"'],
    [
      { "video_split.request_sources": ["archive"] },
      "video_split.request_sources must be locations such as s3://bucket/",
    ],
    [{ "dynamodb.region": "Ireland" }, "dynamodb.region must be a region"],
    [{ "video_split.concurrency": 0 }, "video_split.concurrency must be at least 1, or null"],
    [{ "video_split.log_retention_days": 31 }, "video_split.log_retention_days must be one of CloudWatch's: 1, 3, 5"],
    [{ "video_split.architecture": "arm" }, 'video_split.architecture must be "arm64" or "x86_64"'],
    [{ "video_split.alarm_email": "me" }, "video_split.alarm_email must be an e-mail address"],
    [
      { "video_split.accepted_extensions": [".MP4"] },
      "video_split.accepted_extensions must be extensions in lower case",
    ],
  ])("refuse %j", (values, message) => {
    expect(faultOf(values)).toContain(message);
  });

  it("refuse an output that would trigger the input, naming both settings", () => {
    const message = faultOf({
      "video_split.upload_bucket": "media",
      "video_split.output_bucket": "media",
      "video_split.upload_key_prefix": "in/",
      "video_split.output_key_prefix": "in/cuts/{video_name}/",
    });
    expect(message).toContain("video_split.output_key_prefix");
    expect(message).toContain("video_split.upload_key_prefix");
  });

  it("refuse an output prefix that starts with a template in the upload bucket: it could be the upload prefix", () => {
    expect(
      faultOf({
        "video_split.upload_bucket": "media",
        "video_split.output_bucket": "media",
        "video_split.output_key_prefix": "{video_name}/",
      }),
    ).toContain("clash");
  });

  it("accept one bucket with two prefixes that share nothing", () => {
    expect(faultOf({ "video_split.upload_bucket": "media", "video_split.output_bucket": "media" })).toBe("");
  });
});
