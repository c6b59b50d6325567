/// <reference path="../../../.sst/platform/config.d.ts" />

/** Another team's app, that subscribes to segments. */
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
    const { createVideoBus } = await import("../../../infra/aws/buses.ts");
    const { acceptEvents, forward } = await import("../../../infra/aws/forward.ts");
    const bus = createVideoBus("video-split-own");
    subscribe("Posters", "SegmentCreated", "src/posters.handler", { bus });
    forward("Analytics", "SegmentCreated", "arn:aws:events:eu-west-1:111122223333:event-bus/videos", { bus });
    acceptEvents("FromVideoSplit", new sst.aws.Bus("Videos"), "444455556666");
    const mistakes = () => {
      // @ts-expect-error There is no such event.
      subscribe("Typo", "SegmentCraeted", "src/x.handler", { bus: "b" });
      // @ts-expect-error The event has no such field.
      subscribe("Typo", "SegmentCreated", "src/x.handler", { bus: "b", where: { extention: ["mp4"] } });
    };
    void mistakes;
  },
});
