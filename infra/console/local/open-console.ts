import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CONSOLE_PATH, consoleAddress, consoleService, newToken } from "../service.ts";
import { type LocalBackend, type LocalBackendOptions, localBackend } from "./backend.ts";

/** In the stack's state, so that a page that is open goes on after a restart. */
const TOKEN_FILE = join("own", "console-token");

const TOKEN = /^[\w-]{32}$/;

async function tokenIn(directory: string): Promise<string> {
  const file = join(directory, TOKEN_FILE);
  const kept = await readFile(file, "utf8").catch(() => "");
  if (TOKEN.test(kept)) return kept;
  const token = newToken();
  await writeFile(file, token, { mode: 0o600 });
  return token;
}

/** Serves the console at `CONSOLE_PATH` of the stack's port. Returns its address, with the token. */
export async function openConsole({
  directory,
  ...options
}: LocalBackendOptions & { directory: string }): Promise<{ address: string; backend: LocalBackend }> {
  const { stack } = options;
  const token = await tokenIn(directory);
  const backend = localBackend(options);
  stack.serve(CONSOLE_PATH, consoleService(backend, token, "local"));
  return { address: consoleAddress(stack.endpoint, token), backend };
}
