import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { ACCOUNT } from "./arns.ts";
import { xmlDocument } from "./s3/xml-writing.ts";

/**
 * STS's GetCallerIdentity, which tools call to find out whether their credentials work. Any
 * credentials do: the caller is the account's root.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export const sts = {
  handle: async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const action = new URLSearchParams(await text(request).catch(() => "")).get("Action");
    const requestId = randomUUID();
    const reply = (status: number, body: string) =>
      response.writeHead(status, { "content-type": "text/xml", "x-amzn-requestid": requestId }).end(body);
    if (action !== "GetCallerIdentity") {
      const message = `The local STS has GetCallerIdentity only, not "${action}".`;
      const error = [
        "Error",
        [
          ["Type", "Sender"],
          ["Code", "UnsupportedOperation"],
          ["Message", message],
        ],
      ] as const;
      return void reply(400, xmlDocument("ErrorResponse", [error, ["RequestId", requestId]], false));
    }
    const result = [
      ["Arn", `arn:aws:iam::${ACCOUNT}:root`],
      ["UserId", ACCOUNT],
      ["Account", ACCOUNT],
    ] as const;
    const metadata = [["RequestId", requestId]] as const;
    const fields = [
      ["GetCallerIdentityResult", result],
      ["ResponseMetadata", metadata],
    ] as const;
    reply(200, xmlDocument("GetCallerIdentityResponse", fields, false));
  },
};
