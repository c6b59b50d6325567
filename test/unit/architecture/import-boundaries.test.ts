import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../infra/command-line/commands.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const IMPORT = /(?:from|import)\s*\(?\s*"([^"]+)"/g;

const sourcesBelow = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path) && !path.includes("node_modules") && !path.includes("dist/"))
    .map((path) => join(folder, path));

/** Imports of a file: files as paths from the root, packages as they are named. */
const importsOf = (file: string): string[] =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(IMPORT)].map(([, name]) =>
    name!.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), name!)) : name!,
  );

const violations = (files: string[], allowed: (imported: string, file: string) => boolean): string[] =>
  files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !allowed(imported, file))
      .map((imported) => `${file} imports ${imported}`),
  );

const services = sourcesBelow("services");
const within = (folder: string) => (imported: string) => imported.startsWith(`${folder}/`);
const isFile = (imported: string) =>
  imported.startsWith("services/") || imported.startsWith("infra/") || imported.startsWith("test/");

const MAX_LINES = 300;

/** What the services share: pure, like a domain. */
const SHARED = /^services\/video\/[^/]+\.ts$/;
const PORT = /^services\/video\/ports\/[^/]+\.ts$/;

describe("imports go one way", () => {
  it("finds the imports that it checks", () => {
    expect(services.length).toBeGreaterThan(20);
    expect(importsOf("services/split/handler.ts")).toContain("services/runtime/split.ts");
  });

  it("a domain imports its own files, what the services share, and the contract; only what they share may parse", () => {
    const domain = services.filter((file) => file.includes("/domain/") || SHARED.test(file));
    expect(domain.length).toBeGreaterThan(12);
    expect(
      violations(
        domain,
        (imported, file) =>
          imported === "#events-schema" ||
          dirname(imported) === dirname(file) ||
          SHARED.test(imported) ||
          (imported === "zod" && SHARED.test(file)),
      ),
    ).toEqual([]);
  });

  it("@aws-sdk is imported in services/aws", () => {
    const others = services.filter((file) => !file.startsWith("services/aws/"));
    expect(violations(others, (imported) => !imported.startsWith("@aws-sdk/"))).toEqual([]);
  });

  it("ffmpeg's packages are imported in services/ffmpeg", () => {
    const others = services.filter((file) => !file.startsWith("services/ffmpeg/"));
    expect(violations(others, (imported) => !/ffmpeg-static|ffprobe-static|fluent-ffmpeg|@ff/.test(imported))).toEqual(
      [],
    );
  });

  it("the environment is read in services/runtime", () => {
    const others = services.filter((file) => !file.startsWith("services/runtime/"));
    expect(others.filter((file) => readFileSync(join(ROOT, file), "utf8").includes("process.env"))).toEqual([]);
  });

  it("ffmpeg and aws know the ports they implement, and no other part of the services", () => {
    const adapters = services.filter((file) => file.startsWith("services/ffmpeg/") || file.startsWith("services/aws/"));
    const ports = (imported: string) => SHARED.test(imported) || /\/(ports|domain)\//.test(imported);
    const own = (imported: string, file: string) => within(file.split("/").slice(0, 2).join("/"))(imported);
    expect(
      violations(adapters, (imported, file) => !isFile(imported) || own(imported, file) || ports(imported)),
    ).toEqual([]);
  });

  it("use cases import only their own service and what the services share", () => {
    const cases = services.filter(
      (file) => /^services\/(split|projector|reconciler|poster)\//.test(file) && !file.endsWith("/handler.ts"),
    );
    expect(cases.length).toBeGreaterThan(20);
    const service = (file: string) => within(file.split("/").slice(0, 2).join("/"));
    expect(
      violations(
        cases,
        (imported, file) =>
          !isFile(imported) || service(file)(imported) || SHARED.test(imported) || PORT.test(imported),
      ),
    ).toEqual([]);
  });

  it("the poster service is a consumer as any other: it imports the contract, its own files and what composes it", () => {
    const consumer = services.filter((file) => file.startsWith("services/poster/"));
    expect(consumer.length).toBeGreaterThan(5);
    expect(
      violations(
        consumer,
        (imported, file) =>
          imported === "#events-schema" ||
          within("services/poster")(imported) ||
          (file === "services/poster/handler.ts" && imported === "services/runtime/poster.ts"),
      ),
    ).toEqual([]);
  });

  it("nobody imports the split service but what composes it and what implements its ports", () => {
    const others = [...services, ...sourcesBelow("infra")].filter(
      (file) => !/^services\/(split|runtime|aws|ffmpeg)\//.test(file),
    );
    expect(others.length).toBeGreaterThan(100);
    expect(violations(others, (imported) => !within("services/split")(imported))).toEqual([]);
  });

  it("the independent check knows the services by the fixture that runs the use case", () => {
    const check = sourcesBelow("test/independent");
    expect(check.length).toBeGreaterThan(15);
    expect(violations(check, (imported) => !imported.startsWith("services/"))).toEqual([]);
  });

  it("services know nothing of infra, and the contract knows nothing of us", () => {
    expect(violations(services, (imported) => !imported.startsWith("infra/"))).toEqual([]);
    const contract = sourcesBelow("events-schema/src");
    expect(
      violations(
        contract,
        (imported) => imported === "zod" || imported.startsWith("node:") || imported.startsWith("events-schema/"),
      ),
    ).toEqual([]);
  });

  it("the console's page knows its own files, Preact, and types of the API and of the contract", () => {
    const page = sourcesBelow("infra/console/page");
    expect(page.length).toBeGreaterThan(15);
    const TYPES = "infra/console/api/types.ts";
    const own = (imported: string) => within("infra/console/page")(imported) || /^preact(\/hooks)?$/.test(imported);
    const types = (imported: string) => imported === TYPES || imported === "#events-schema";
    expect(violations(page, (imported) => own(imported) || types(imported))).toEqual([]);
    expect(violations([TYPES], (imported) => imported === "#events-schema")).toEqual([]);
    const values = [...page, TYPES].filter((file) =>
      /^import (?!type )[^;]*from "(?:[^"]*api\/types\.ts|#events-schema)"/m.test(
        readFileSync(join(ROOT, file), "utf8"),
      ),
    );
    expect(values).toEqual([]);
  });

  it("the console knows what the services share and nothing else of them; only commands know the console", () => {
    const own = sourcesBelow("infra/console");
    expect(violations(own, (imported) => !imported.startsWith("services/") || SHARED.test(imported))).toEqual([]);
    const others = [...services, ...sourcesBelow("infra")].filter((file) => !file.startsWith("infra/console/"));
    const users = others.filter((file) => importsOf(file).some(within("infra/console")));
    expect(users).toEqual(["infra/command-line/commands.ts", "infra/local/commands/start.ts"]);
    const long = own.filter((file) => readFileSync(join(ROOT, file), "utf8").split("\n").length > MAX_LINES);
    expect(long).toEqual([]);
  });

  it("the console parses media in a thread of its own only", () => {
    const others = sourcesBelow("infra").filter((file) => file !== "infra/console/keyframes/worker.ts");
    expect(violations(others, (imported) => imported !== "mediabunny")).toEqual([]);
  });

  it("the emulator knows nothing of this project", () => {
    const emulator = sourcesBelow("infra/emulator");
    expect(emulator.length).toBeGreaterThan(100);
    expect(violations(emulator, (imported) => !isFile(imported) || within("infra/emulator")(imported))).toEqual([]);
    expect(violations(emulator, (imported) => imported !== "#events-schema")).toEqual([]);
  });
});

it("infra has the topology and the settings at its top, and a folder for each purpose", () => {
  const entries = readdirSync(join(ROOT, "infra")).sort();
  const folders = ["aws", "command-line", "console", "emulator", "local", "operations", "packaging"];
  expect(entries).toEqual([...folders, "settings.ts", "topology-types.ts", "topology.ts"]);
});

it("each command is an npm script too", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const called = Object.entries(scripts).filter(([, script]) => script.includes("infra/command-line/video-split.ts"));
  expect(called).toEqual(called.map(([name]) => [name, `node infra/command-line/video-split.ts ${name}`]));
  expect(called.map(([name]) => name).sort()).toEqual([...COMMANDS.keys()].sort());
});
