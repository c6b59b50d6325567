import { execFile } from "node:child_process";

/** The result of `npm audit`, or why there is none. */
export type NpmAudit = { vulnerable: string[] } | { unanswered: string };

type Report = {
  vulnerabilities?: Record<string, { severity?: string }>;
  message?: string;
  error?: { summary?: string };
};

/**
 * Reads what `npm audit --json` printed; if the registry doesn't respond, that isn't an empty list.
 */
export function readNpmAudit(stdout: string, stderr: string): NpmAudit {
  let report: Report = {};
  try {
    report = JSON.parse(stdout);
  } catch {
    // Then stderr has the reason.
  }
  if (report.vulnerabilities !== undefined)
    return {
      vulnerable: Object.entries(report.vulnerabilities).map(([name, { severity }]) => `${name} (${severity})`),
    };
  const lines = stderr.split("\n").flatMap((line) => /^npm (?:warn|error) (?:audit )?(\S.*)$/.exec(line)?.[1] ?? []);
  return { unanswered: report.message || report.error?.summary || lines[0] || "it printed no report" };
}

/** Gets advisories from npm's registry for the packages that a deployment contains. */
export function npmAudit(root: string, environment: Record<string, string | undefined>): Promise<NpmAudit> {
  const args = ["audit", "--json", "--omit=dev", "--omit=optional"];
  // npm is a script on Windows, which only a shell starts.
  const options = { cwd: root, env: environment, shell: process.platform === "win32" };
  return new Promise((resolve) => {
    execFile("npm", args, options, (_, stdout, stderr) => resolve(readNpmAudit(stdout, stderr)));
  });
}
