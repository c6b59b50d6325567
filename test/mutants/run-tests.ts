import { type ExecFileOptions, execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** A mutant may never end. */
const TIMEOUT_MS = 180_000;

/** What test files did in a copy of the project: whether all passed, and the first failed test. */
export type TestOutcome = { passed: boolean; failed: string | undefined };

/** vitest's JSON report, as far as it's read. */
type Report = {
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
};

/**
 * Runs test files in a copy of the project, up to the first failure. Throws where no test fails and
 * vitest does: the copy isn't a program. Throws `stopping`'s reason when vitest has ended.
 */
export async function runTests(root: string, files: readonly string[], stopping: AbortSignal): Promise<TestOutcome> {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const report = join(root, "report.json");
  const reporting = ["--bail", "1", "--reporter", "json", "--output-file", report];
  const args = [vitest, "run", ...files.map((file) => `test/${file}`), ...reporting];
  // As npm does it, so that the tests find the project's Node.
  const path = [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  stopping.throwIfAborted();
  const options = { cwd: root, env: { ...process.env, PATH: path }, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 };
  const { code, stdout, stderr } = await ended("node", args, options, stopping);
  stopping.throwIfAborted();
  if (code === "timeout") return { passed: false, failed: `no end after ${TIMEOUT_MS / 1_000} s` };
  const text = await readFile(report, "utf8").catch(() => undefined);
  if (text === undefined) throw new Error(`vitest wrote no report:\n${stdout}${stderr}`);
  const { testResults } = JSON.parse(text) as Report;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === "failed")?.fullName;
  if (failed === undefined && code !== 0)
    throw new Error(`no test ran to its end:\n${testResults.map(({ message }) => message).join("\n")}\n${stderr}`);
  return { passed: code === 0, failed };
}

function ended(program: string, args: string[], options: ExecFileOptions, stopping: AbortSignal) {
  return new Promise<{ code: number | "timeout"; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      stopping.removeEventListener("abort", stop);
      const failure = typeof error?.code === "number" ? error.code : 1;
      const code = error?.killed === true ? "timeout" : error ? failure : 0;
      resolve({ code, stdout: String(stdout), stderr: String(stderr) });
    });
    const stop = (): void => void child.kill();
    stopping.addEventListener("abort", stop);
  });
}
