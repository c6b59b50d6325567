import { openLambda } from "../../../infra/emulator/lambda/index.ts";
import { bundle } from "../../../infra/packaging/bundle.ts";

/** A process of its own that opens a local Lambda and invokes one function, to be killed: HANDLER ROOT DIRECTORY URL. */
const [handler = "", root = "", directory = "", url = ""] = process.argv.slice(2);
const lambda = await openLambda({
  bundle,
  functions: [
    {
      name: "tested",
      handler,
      timeoutSeconds: 600,
      memoryMB: 256,
      concurrency: 1,
      retry: { attempts: 0, maxAgeSeconds: 60 },
      environment: {},
    },
  ],
  root,
  directory,
  region: "eu-west-1",
  retryDelayMs: () => 0,
  onLog: ({ text }) => process.stderr.write(`${text}\n`),
  onFailure: async () => {},
  watch: false,
});
await lambda.invoke("tested", { url });
