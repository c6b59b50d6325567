import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { functionArn, nameOfArn } from "./arns.ts";
import type { Service } from "./front.ts";
import { FunctionNotFoundError, type LocalLambda, PayloadTooLargeError } from "./lambda/index.ts";

/** An error that is returned to the client. */
class LambdaApiError extends Error {
  override name = "LambdaApiError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const FUNCTION = /^\/2015-03-31\/functions\/([^/]+)\/([a-z]+)(?:\?.*)?$/;

/** The name in a text that is a name, or an ARN with or without a qualifier. */
const nameIn = (nameOrArn: string): string => nameOfArn(nameOrArn.replace(/:\$LATEST$/, ""));

function inputOf(body: string): unknown {
  try {
    return body === "" ? {} : JSON.parse(body);
  } catch {
    throw new LambdaApiError(400, "InvalidRequestContentException", "Could not parse request body into json");
  }
}

function refusal(error: unknown): LambdaApiError {
  if (error instanceof LambdaApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FunctionNotFoundError) return new LambdaApiError(404, "ResourceNotFoundException", message);
  if (error instanceof PayloadTooLargeError) return new LambdaApiError(413, "RequestTooLargeException", message);
  return new LambdaApiError(500, "ServiceException", message);
}

type Answer = { body: string; headers: Record<string, string> };

async function invoke(request: IncomingMessage, name: string, lambda: LocalLambda): Promise<Answer> {
  const body = await text(request);
  const type = request.headers["x-amz-invocation-type"] ?? "RequestResponse";
  if (type !== "RequestResponse")
    throw new LambdaApiError(
      400,
      "InvalidParameterValueException",
      `The local Lambda has no invocations of type ${type} by clients. Put an event on the bus instead`,
    );
  const outcome = await lambda.invoke(name, inputOf(body));
  return "error" in outcome
    ? { body: JSON.stringify(outcome.error), headers: { "x-amz-function-error": "Unhandled" } }
    : { body: JSON.stringify(outcome.result ?? null), headers: {} };
}

function configurationOf(name: string, { functions }: LocalLambda, region: string): Answer {
  const found = functions.find((one) => one.name === name);
  if (found === undefined) throw new FunctionNotFoundError(`No function "${name}"`);
  const { handler, timeoutSeconds, memoryMB, environment } = found;
  const configuration = {
    FunctionName: name,
    FunctionArn: functionArn(region, name),
    Handler: handler,
    Timeout: timeoutSeconds,
    MemorySize: memoryMB,
    State: "Active",
    Environment: { Variables: environment },
  };
  return { body: JSON.stringify(configuration), headers: {} };
}

function answerTo(request: IncomingMessage, lambda: LocalLambda, region: string): Answer | Promise<Answer> {
  const [, name = "", what] = FUNCTION.exec(request.url ?? "") ?? [];
  const called = nameIn(decodeURIComponent(name));
  switch (`${request.method} ${what}`) {
    case "POST invocations":
      return invoke(request, called, lambda);
    case "GET configuration":
      return configurationOf(called, lambda, region);
    default:
      throw new LambdaApiError(
        404,
        "UnknownOperationException",
        "The local Lambda has two operations: Invoke and GetFunctionConfiguration",
      );
  }
}

/**
 * Lambda's Invoke, synchronously, and GetFunctionConfiguration:
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
 */
export function lambdaApi(lambda: LocalLambda, region: string): Service {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const common = { "content-type": "application/json", "x-amzn-requestid": randomUUID() };
    try {
      const { body, headers } = await answerTo(request, lambda, region);
      response.writeHead(200, { ...common, "x-amz-executed-version": "$LATEST", ...headers }).end(body);
    } catch (thrown) {
      const { status, code, message } = refusal(thrown);
      const body = JSON.stringify({ Type: "User", Message: message, message });
      response.writeHead(status, { ...common, "x-amzn-errortype": code }).end(body);
    }
  };
  return { handle: (request, response) => void respond(request, response) };
}
