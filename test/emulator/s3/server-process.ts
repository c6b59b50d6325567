import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { openS3 } from "../../../infra/emulator/s3/index.ts";

/** A server in a process of its own, so that a test can kill it. Argument: the directory. Prints its port. */
const directory = process.argv[2];
if (directory === undefined) throw new Error("the directory is missing");
const s3 = await openS3({ directory, region: "us-east-1", onObjectCreated: async () => {} });
await s3.createBucket("videos");
const server = createServer(s3.handle).listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
