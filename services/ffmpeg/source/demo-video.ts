import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CHILD_ENVIRONMENT } from "../process/sandbox.ts";

export type DemoVideo = { seconds: number; width: number; height: number; fps: number };

/** Long enough for three segments of the default length; it's made in a second or two. */
export const DEMO_VIDEO: DemoVideo = { seconds: 70, width: 320, height: 180, fps: 25 };

/**
 * Generates a video with ffmpeg, with a keyframe each second, so that every whole second can be a
 * boundary. Throws the signal's reason.
 */
export async function makeDemoVideo(
  ffmpeg: string,
  path: string,
  signal: AbortSignal,
  { seconds, width, height, fps }: DemoVideo = DEMO_VIDEO,
): Promise<void> {
  const video = ["-f", "lavfi", "-i", `testsrc2=duration=${seconds}:size=${width}x${height}:rate=${fps}`];
  const audio = ["-f", "lavfi", "-i", `sine=frequency=440:duration=${seconds}`];
  const codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", String(fps), "-c:a", "aac"];
  const args = ["-hide_banner", "-nostdin", "-loglevel", "error", ...video, ...audio, ...codecs, "-y", path];
  try {
    await promisify(execFile)(ffmpeg, args, { env: { ...CHILD_ENVIRONMENT }, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
