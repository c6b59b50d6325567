import { expect, it } from "vitest";
import * as z from "zod";
import { EnvironmentError, ExtensionList, readEnvironment } from "../../../services/runtime/environment.ts";

const Settings = z.object({ TABLE: z.string().min(1), EXTENSIONS: ExtensionList });

it("is read by a schema", () => {
  const environment = { TABLE: "videos", EXTENSIONS: "mp4,mkv", PATH: "/bin" };
  expect(readEnvironment(Settings, environment)).toEqual({ TABLE: "videos", EXTENSIONS: ["mp4", "mkv"] });
});

it("is an error that names each variable that is missing or can't be used", () => {
  const read = () => readEnvironment(Settings, { EXTENSIONS: "" });
  expect(read).toThrow(EnvironmentError);
  expect(read).toThrow(/^The function's environment can't be used: TABLE: .+; EXTENSIONS: .+/);
});
