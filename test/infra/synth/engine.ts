import * as pulumi from "@pulumi/pulumi";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";
import { answerCall, createdBy } from "./cloud.ts";
import type { Resource, SynthInput } from "./contract.ts";

type Request = Record<string, (() => unknown) | undefined>;

/** Options that the mocks don't receive, by name and type. */
const optionsOf = new Map<string, Resource["options"]>();

/** Pulumi's mocks get a resource's inputs only; the rest is read from the request. */
function watchRequests(): void {
  const monitor = getMonitor() as unknown as Record<string, (request: Request, callback: unknown) => unknown>;
  for (const method of ["registerResource", "readResource"]) {
    const original = monitor[method];
    monitor[method] = (request, callback) => {
      optionsOf.set(`${request.getType?.()} ${request.getName?.()}`, {
        retainOnDelete: request.getRetainondelete?.() === true,
        protect: request.getProtect?.() === true,
        read: method === "readResource",
      });
      return original?.call(monitor, request, callback);
    };
  }
}

/** As Pulumi's own runner: of an error that is meant for the user, the message alone. */
function giveUp(error: unknown): never {
  console.error(pulumi.RunError.isInstance(error) ? error.message : error);
  process.exit(1);
}

/** Executes a program with Pulumi's mocks, and collects its resources in `globalThis.synth`. */
export async function execute(program: () => Promise<unknown>): Promise<void> {
  const { synth } = globalThis as unknown as { synth: SynthInput };
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id }) => {
        const created = createdBy({ type, name, inputs, id: id || undefined }, synth);
        const options = optionsOf.get(`${type} ${name}`) ?? { retainOnDelete: false, protect: false, read: false };
        synth.resources.push({ type, name, inputs, ...created, options });
        return created;
      },
      call: ({ token, inputs }) => answerCall(token, inputs, synth),
    },
    synth.app.name,
    synth.app.stage,
    false,
  );
  watchRequests();
  process.on("uncaughtException", giveUp);
  synth.outputs = await pulumi.runtime.runInPulumiStack(program as () => Promise<pulumi.Inputs>);
}
