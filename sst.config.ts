/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app({ stage }) {
    const { APP } = await import("./infra/aws/deployed-names.ts");
    const { regionOf } = await import("./infra/aws/stage.ts");
    return {
      name: APP,
      home: "aws",
      version: "4.17.1",
      removal: stage === "production" ? "retain" : "remove",
      protect: stage === "production",
      providers: { aws: { version: "7.20.0", region: regionOf(stage) as aws.Region } },
    };
  },
  async run() {
    const { videoSplit } = await import("./infra/aws/index.ts");
    return (await videoSplit()).outputs;
  },
});
