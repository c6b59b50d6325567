import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pictureHasher } from "../../../services/ffmpeg/formats/nal/units.ts";
import { proveSegment } from "../../../services/ffmpeg/proof/prove-segment.ts";
import { NEVER } from "../../fixtures/cut.ts";
import { binaries, ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

type Row = { pts_time: string; duration_time: string };

/** The expected content of a file of two seconds, from ffprobe. */
async function expectedOf(path: string) {
  const entries = ["-show_entries", "packet=pts_time,duration_time", "-of", "json"];
  const { packets } = JSON.parse(await ffprobe("-select_streams", "a:0", ...entries, path)) as { packets: Row[] };
  return {
    hash: pictureHasher("h264"),
    frames: Array.from({ length: 50 }, (_, frame) => ({ time: frame * 0.04, hash: undefined })),
    ...{ start: 0, lastDuration: 0.04, rounding: 0.0011, startsOnKey: true, mustDecode: true },
    audio: [
      {
        packets: packets.map(({ pts_time, duration_time }) => {
          const time = Number(pts_time);
          return { time, duration: Number(duration_time), gap: 0, isPlayed: time >= 0 };
        }),
        isPacked: true,
      },
    ],
  };
}

const prove = async (path: string, expected: Awaited<ReturnType<typeof expectedOf>>) =>
  proveSegment(
    {
      binary: (await binaries).ffmpeg,
      ffprobe: (await binaries).ffprobe,
      directory: await temporaryFolder(),
      path,
      audio: [{ isEmpty: false }],
      container: { muxer: "mp4", extension: "mp4", contentType: "" },
      signal: NEVER,
    },
    expected,
  );

describe("the proof of a segment file's audio", () => {
  it("fails when 75 ms of it are missing, or hidden by an edit list", async () => {
    const folder = await temporaryFolder();
    const [whole, short, early] = ["whole.mp4", "short.mp4", "early.mp4"].map((name) => join(folder, name));
    const video = ["-f", "lavfi", "-i", "testsrc2=duration=2:size=160x90:rate=25"];
    const audio = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2:sample_rate=48000"];
    const codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    await ffmpeg(...video, ...audio, ...codecs, whole!);
    const copied = ["-map", "0:v", "-map", "1:a", "-c", "copy"];
    const frames = (count: number) => ["-frames:a", String(count)];
    const expected = await expectedOf(whole!);
    const { length } = expected.audio[0]!.packets;
    await ffmpeg("-i", whole!, "-i", whole!, ...copied, ...frames(length - 4), short!);
    await ffmpeg(
      "-i",
      whole!,
      "-itsoffset",
      "-0.075",
      "-i",
      whole!,
      ...copied,
      "-avoid_negative_ts",
      "disabled",
      early!,
    );

    const { audio: measured } = await prove(whole!, expected);
    expect(measured![0]!.start).toBeCloseTo(0, 2);
    expect(measured![0]!.end).toBeGreaterThanOrEqual(2);
    await expect(prove(short!, expected)).rejects.toThrow(`has ${length - 4} packets instead of ${length}`);
    await expect(prove(early!, expected)).rejects.toThrow("out of sync");
  });
});
