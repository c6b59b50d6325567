import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Build } from "./contract.ts";
import { buildFunction } from "./function-build.ts";

type Call = { method: string; params: [Record<string, unknown>] };

/** The calls that SST's components make to its command line while a program runs. */
async function answer({ method, params: [input] }: Call, { builds, directory }: Serving): Promise<unknown> {
  switch (method) {
    case "Provider.Aws.Bootstrap":
      return { asset: "sst-asset", assetEcrRegistryId: "", assetEcrUrl: "", state: "sst-state" };
    case "Provider.Aws.Appsync":
      return { http: "http.appsync.test", realtime: "realtime.appsync.test" };
    case "Runtime.AddTarget":
      return {};
    case "Runtime.Build": {
      const build = input as unknown as Build;
      builds.push(build);
      const out = join(directory, "artifacts", `${build.functionID}-src`);
      return buildFunction(build, out);
    }
    default:
      throw new Error(`SST's command line has no ${method} here`);
  }
}

type Serving = { builds: Build[]; directory: string };

/** Stands in for SST's command line: a JSON-RPC server on loopback. It doesn't keep the process alive. */
export async function serveSst(serving: Serving): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = JSON.parse(Buffer.concat(chunks).toString()) as Call;
    const reply = await answer(call, serving).then(
      (result) => ({ result }),
      (error: Error) => ({ error: error.message }),
    );
    response.setHeader("connection", "close").end(JSON.stringify(reply));
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
