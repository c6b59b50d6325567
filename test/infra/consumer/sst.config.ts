/// <reference path="../../../.sst/platform/config.d.ts" />

/** Another team's app, that wants to hear of segments. */
export default $config({
  app() {
    return { name: "thumbnails", home: "aws", providers: { aws: { version: "7.20.0", region: "us-east-1" } } };
  },
  async run() {
    const { subscribe } = await import("../../../infra/aws/subscribe.ts");
    subscribe("Thumbnails", "SegmentCreated", "src/thumbnails.handler", { bus: "video-split-production" });
    subscribe(
      "Report",
      ["VideoSplit", "VideoRejected"],
      { handler: "src/report.handler", memory: "128 MB" },
      { bus: "video-split-production", where: { extension: ["mp4", "mov"] } },
    );
    const mistakes = () => {
      // @ts-expect-error There is no such event.
      subscribe("Typo", "SegmentCraeted", "src/x.handler", { bus: "b" });
      // @ts-expect-error The event has no such field.
      subscribe("Typo", "SegmentCreated", "src/x.handler", { bus: "b", where: { extention: ["mp4"] } });
    };
    void mistakes;
  },
});
