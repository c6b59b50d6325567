import { describe, expect, it } from "vitest";
import { ADVISORIES, type Advisory, isAffected, isReachable, releaseOf } from "../../../infra/packaging/advisories.ts";
import { auditVersion } from "../../../infra/packaging/audit.ts";
import { RECORDED } from "../../../infra/packaging/index.ts";
import { readNpmAudit } from "../../../infra/packaging/npm-audit.ts";

const advisory = (more: Partial<Advisory> = {}): Advisory => ({
  ...{ id: "CVE-2026-1000", kind: "demuxer", name: "mov", what: "a fault", fixedIn: [] },
  ...{ source: "https://ffmpeg.org/security.html" },
  ...more,
});

const LOOKED_UP = new Date(ADVISORIES.asOf);

describe("given an advisory that is fixed in 7.0.3, 7.1.1 and 8.0", () => {
  it.each([
    ["6.1.5", true],
    ["7.0.2", true],
    ["7.0.3", false],
    ["7.1", true],
    ["7.1.5", false],
    ["8.0", false],
    ["8.1.2", false],
    ["10.0", false],
  ])("then %s has it: %s", (release, expected) => {
    expect(isAffected(release, advisory({ fixedIn: ["7.0.3", "7.1.1", "8.0"] }))).toBe(expected);
  });
});

it.each([
  ["4.0.6", false],
  ["4.1", true],
  ["9.0.2", true],
  ["9.0.3", false],
])("given one of 4.1 to 9.0.2 without a fix, then %s has it: %s", (release, expected) => {
  expect(isAffected(release, advisory({ since: "4.1", through: "9.0.2" }))).toBe(expected);
});

it.each([
  ["5.1.9-0+deb12u1", "5.1.9"],
  ["7.1", "7.1"],
  ["N-66595-gc2b38619c0", "6.0"],
  ["N-1-gabcdef", undefined],
])("the version %s is compared as %s", (version, release) => {
  expect(releaseOf(version, ADVISORIES)).toBe(release);
});

it("an upload reaches what the sandbox admits, and nothing else", () => {
  const isReached = (kind: Advisory["kind"], name: string) => isReachable(advisory({ kind, name }));
  expect([isReached("demuxer", "mov"), isReached("demuxer", "hls")]).toEqual([true, false]);
  expect([isReached("decoder", "vp9"), isReached("decoder", "magicyuv")]).toEqual([true, false]);
  expect([isReached("protocol", "http"), isReached("protocol", "rtmp")]).toEqual([true, false]);
  expect([isReached("used", "x"), isReached("unused", "x")]).toEqual([true, false]);
});

describe("given a fault that an upload can reach", () => {
  const list = (accepted?: string) => ({
    ...ADVISORIES,
    accepted: { why: { until: "2027-02-24", reason: "there is none better" } },
    advisories: [advisory({ fixedIn: ["8.1"], ...(accepted !== undefined && { accepted }) })],
  });
  const outcome = (given: ReturnType<typeof list>, day: string, version = "7.0.2") => {
    const { open, accepted } = auditVersion(version, given, new Date(day));
    return { open: open.length, accepted: accepted.length };
  };

  it("that isn't fixed, then it is open", () => {
    expect(outcome(list(), "2026-11-26")).toEqual({ open: 1, accepted: 0 });
  });

  it("that is accepted, then it is so until the day that is named", () => {
    expect(outcome(list("why"), "2027-02-24")).toEqual({ open: 0, accepted: 1 });
    expect(outcome(list("why"), "2027-02-25")).toEqual({ open: 1, accepted: 0 });
  });

  it("with a reason that the list doesn't have, then it is open", () => {
    expect(outcome(list("because"), "2026-11-26")).toEqual({ open: 1, accepted: 0 });
  });

  it("that is fixed, then it is no finding", () => {
    expect(outcome(list(), "2026-11-26", "8.1")).toEqual({ open: 0, accepted: 0 });
  });
});

describe("the list", () => {
  it("accepts each reachable advisory of what is shipped, on the day that it was looked up", () => {
    expect(auditVersion(RECORDED.version, ADVISORIES, LOOKED_UP)).toMatchObject({ release: "7.0.2", open: [] });
  });

  it("names each advisory once, with a reason for each part that isn't used", () => {
    const ids = ADVISORIES.advisories.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ADVISORIES.advisories.filter(({ kind, why }) => (kind === "unused") !== (why !== undefined))).toEqual([]);
  });

  it("names fixes from the oldest to the newest, and no reason that isn't there", () => {
    for (const { fixedIn, accepted } of ADVISORIES.advisories) {
      expect(fixedIn.toSorted((one, other) => one.localeCompare(other, "en", { numeric: true }))).toEqual(fixedIn);
      if (accepted !== undefined) expect(ADVISORIES.accepted).toHaveProperty(accepted);
    }
  });
});

describe("what npm audit prints", () => {
  it("is a list of packages", () => {
    const report = { vulnerabilities: { zod: { severity: "high" } } };
    expect(readNpmAudit(JSON.stringify(report), "")).toEqual({ vulnerable: ["zod (high)"] });
    expect(readNpmAudit(JSON.stringify({ vulnerabilities: {} }), "")).toEqual({ vulnerable: [] });
  });

  it("isn't a success where the registry doesn't respond", () => {
    const stderr = "npm warn audit 405 Method Not Allowed - POST /bulk\nnpm error audit endpoint returned an error\n";
    expect(readNpmAudit("", stderr)).toEqual({ unanswered: "405 Method Not Allowed - POST /bulk" });
    expect(readNpmAudit('{"message":"405"}', stderr)).toEqual({ unanswered: "405" });
    expect(readNpmAudit("", "")).toEqual({ unanswered: "it printed no report" });
  });
});
