import { readVersion } from "../../../services/ffmpeg/index.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { findPrograms } from "../../command-line/programs.ts";
import { PROJECT_ROOT } from "../../local/project.ts";
import { ADVISORIES, type Advisory } from "../advisories.ts";
import { auditVersion, daysSince, type Finding, MAX_LIST_AGE_DAYS } from "../audit.ts";
import { RECORDED } from "../index.ts";
import { npmAudit } from "../npm-audit.ts";

const HELP = `npx video-split audit [--all]

Prints the age and the known advisories of the ffmpeg and ffprobe that a deployment ships and that this machine uses, from
the dated list in infra/packaging/advisories.json, and the advisories of npm's registry for the packages.

  --all  also list the advisories of components that an upload can't reach

Exit code: 1 where a shipped program has an advisory that an upload can reach and that isn't accepted, or a shipped
package has one in npm's registry; otherwise 0.
`;

const OPTIONS = {
  all: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const describe = ({ id, kind, name, what, fixedIn }: Advisory): string => {
  const part = kind === "used" || kind === "unused" ? name : `${name} ${kind}`;
  return `  ${id}  ${part}: ${what}; ${fixedIn.length === 0 ? "no fix known" : `fixed in ${fixedIn.join(", ")}`}`;
};

const counts = ({ open, accepted, unreachable }: Finding): string =>
  `${open.length} open, ${accepted.length} accepted, ${unreachable.length} that no upload can reach`;

/** The accepted ones, by the reason. */
function printAccepted(accepted: Advisory[]): void {
  for (const [key, { reason, until }] of Object.entries(ADVISORIES.accepted)) {
    const here = accepted.filter((one) => one.accepted === key);
    if (here.length > 0) print([`Accepted until ${until}: ${reason}`, ...here.map(describe)].join("\n"));
  }
}

function printShipped(now: Date, isAll: boolean): boolean {
  const { version, released, release } = RECORDED;
  const found = auditVersion(version, ADVISORIES, now);
  print(`A deployment ships ffmpeg and ffprobe ${version} (ffmpeg-static ${release}), of ${released}:`);
  print(`  ${daysSince(released, now)} days old; the latest release is ${ADVISORIES.latestRelease}. ${counts(found)}.`);
  printAccepted(found.accepted);
  if (isAll) {
    print("Not reachable:");
    for (const one of found.unreachable)
      print(`${describe(one)} (${one.why ?? `no such ${one.kind} is admitted for uploads`})`);
  }
  if (found.open.length > 0) print(["Open:", ...found.open.map(describe)].join("\n"));
  return found.open.length === 0;
}

async function printUsedHere(now: Date): Promise<void> {
  const programs = await findPrograms(process.env).catch((error: Error) => {
    print(`This machine: ${error.message}`);
    return undefined;
  });
  for (const [name, file] of Object.entries(programs ?? {})) {
    const version = await readVersion(file);
    if (version === undefined) {
      print(`This machine uses ${name} ${file}, which doesn't print its version.`);
      continue;
    }
    const found = auditVersion(version.version, ADVISORIES, now);
    const known = found.release === undefined ? "a version that isn't in the list" : counts(found);
    print(`This machine uses ${name} ${version.version}, of ${version.year}, from ${file}: ${known}.`);
  }
}

async function printNpm(): Promise<boolean> {
  const answer = await npmAudit(PROJECT_ROOT, process.env);
  if ("unanswered" in answer) {
    print(`npm audit: the registry doesn't respond (${answer.unanswered}). The npm packages were not checked.`);
    return true;
  }
  const { vulnerable } = answer;
  print(`npm audit: ${vulnerable.length === 0 ? "no known vulnerability" : vulnerable.join(", ")}.`);
  return vulnerable.length === 0;
}

function printList(now: Date): void {
  const age = daysSince(ADVISORIES.asOf, now);
  print(`The list is as of ${ADVISORIES.asOf}:`);
  for (const { name, read, covers } of ADVISORIES.sources) print(`  ${name}, as of ${read}: ${covers}`);
  if (age > MAX_LIST_AGE_DAYS)
    print(`It is ${age} days old. Newer advisories are missing: look them up at the sources and add them.`);
}

/** Runs `npx video-split audit`. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseCommandLine("audit", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const now = new Date();
  const isShippedAccepted = printShipped(now, values.all);
  await printUsedHere(now);
  const isNpmAccepted = await printNpm();
  printList(now);
  return isShippedAccepted && isNpmAccepted ? 0 : 1;
}
