import { fakeMediaTools } from "../../fakes/media-tools.ts";
import { H264, packets, SCRIPT } from "../../fixtures/split-world.ts";
import { mediaToolsContract } from "../../ports/media-tools.suite.ts";

mediaToolsContract("the fake of the unit tests", async () => ({
  tools: fakeMediaTools({ ...SCRIPT, description: H264, packets: packets(6) }),
  bytes: new Uint8Array(1_000),
  extension: "mp4",
}));
