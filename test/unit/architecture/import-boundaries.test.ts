import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../infra/command-line/commands.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const IMPORT = /(?:from|import)\s*\(?\s*"([^"]+)"/g;

const sourcesBelow = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.includes("node_modules") && !path.includes("dist/"))
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
      (file) => /^services\/(split|projector|reconciler)\//.test(file) && !file.endsWith("/handler.ts"),
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

  it("only its composition and the adapters of its ports import the split service", () => {
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

  it("the emulator knows nothing of this project", () => {
    const emulator = sourcesBelow("infra/emulator");
    expect(emulator.length).toBeGreaterThan(100);
    expect(violations(emulator, (imported) => !isFile(imported) || within("infra/emulator")(imported))).toEqual([]);
    expect(violations(emulator, (imported) => imported !== "#events-schema")).toEqual([]);
  });
});

it("infra has the topology and the settings at its top, and a folder for each purpose", () => {
  const entries = readdirSync(join(ROOT, "infra")).sort();
  const folders = ["aws", "command-line", "emulator", "local", "operations", "packaging"];
  expect(entries).toEqual([...folders, "settings.ts", "topology.ts"]);
});

it("each command is an npm script too", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const called = Object.entries(scripts).filter(([, script]) => script.includes("infra/command-line/video-split.ts"));
  expect(called).toEqual(called.map(([name]) => [name, `node infra/command-line/video-split.ts ${name}`]));
  expect(called.map(([name]) => name).sort()).toEqual([...COMMANDS.keys()].sort());
});
