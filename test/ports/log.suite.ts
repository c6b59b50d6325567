import { describe, expect, it } from "vitest";
import type { Log } from "../../services/video/ports/log.ts";

/** A log, and its lines as they are read. */
export type OpenLog = () => { log: Log; lines(): Record<string, unknown>[] };

/** The contract of the port, for each implementation of it. */
export function logContract(name: string, open: OpenLog): void {
  describe(`log: ${name}`, () => {
    it("writes a line with its level, its message and its fields", () => {
      const { log, lines } = open();
      log.info("Planned", { segments: 3 });
      log.warn("Rejected");
      expect(lines()).toMatchObject([
        { level: "INFO", message: "Planned", segments: 3 },
        { level: "WARN", message: "Rejected" },
      ]);
      expect(lines()[1]).not.toHaveProperty("segments");
    });

    it("carries the fields of the logs that it comes from, and its own stay its own", () => {
      const { log, lines } = open();
      const request = log.with({ request_id: "r" });
      const video = request.with({ video_id: 7 });
      video.info("Split", { segments: 3 });
      request.info("Ended");
      log.info("Idle");
      expect(lines()).toMatchObject([{ request_id: "r", video_id: 7, segments: 3 }, { request_id: "r" }, {}]);
      expect(lines()[1]).not.toHaveProperty("video_id");
      expect(lines()[2]).not.toHaveProperty("request_id");
    });
  });
}
