import * as z from "zod";
import { Cut } from "#events-schema";
import { isSegmentLength, segmentLengthRule } from "../../../services/video/segment-length.ts";
import { type Backend, ConsoleError } from "./backend.ts";
import { checkPattern, matcherOf } from "./pattern-lines.ts";

/** A request to the API. */
export type Context = {
  backend: Backend;
  /** The VideoId in the path; NaN where the path has none. */
  id: number;
  query: URLSearchParams;
  body: unknown;
  /** The Host header. */
  host: string;
  /** Aborted when the page goes away. */
  signal: AbortSignal;
};

type Answer = (context: Context) => unknown;

const Id = z.coerce.number().int().positive();
const limit = (usual: number, max: number) => z.coerce.number().int().min(1).max(max).default(usual);

const Page = z.object({ before: Id.optional(), limit: limit(50, 100) });
const SegmentsPage = z.object({ from: z.coerce.number().int().min(0).default(0), limit: limit(500, 1_000) });
const EventsPage = z.object({
  bus: z.enum(["video", "default"]).default("video"),
  pattern: z.string().optional(),
  before: z.string().optional(),
  limit: limit(100, 500),
});
const Ids = z.object({ ids: z.string().transform((text) => text.split(",").map((id) => Id.parse(id))) });

/** As many rows as a screen has. */
const MAX_ADDRESSES = 100;

const Upload = z.object({
  name: z.string().min(1),
  segmentSeconds: z.number().refine(isSegmentLength, segmentLengthRule).optional(),
  cut: Cut.optional(),
});
const Change = z.object({ confirm: z.string().optional() });
const Redrive = Change.extend({ ids: z.array(z.string()).optional() });
const Replay = Change.extend({ from: z.iso.datetime({ offset: true }) });
const Request = Change.extend({ bucket: z.string().min(1), key: z.string().min(1) });
const Switches = z.object({ on: z.array(z.string()) });
const Pattern = z.object({ pattern: z.string() });

const queryOf = ({ query }: Context): Record<string, string> => Object.fromEntries(query);

/** Throws `ConsoleError` where a change of a stage isn't confirmed. */
async function assertConfirmed({ backend }: Context, { confirm }: { confirm?: string | undefined }): Promise<void> {
  const { confirm: expected } = await backend.about();
  if (expected === undefined || confirm === expected) return;
  throw new ConsoleError(409, `This changes the stage ${expected}: confirm it with the stage's name`);
}

/** By method and path below the API's own; ":id" is a VideoId. */
const ROUTES: Record<string, Answer> = {
  "GET about": ({ backend }) => backend.about(),
  "GET videos": (context) => context.backend.videos(Page.parse(queryOf(context))),
  "GET videos/:id/segments": (context) => context.backend.segments(context.id, SegmentsPage.parse(queryOf(context))),
  "GET videos/:id/keyframes": ({ backend, id, signal }) => backend.keyframes(id, signal),
  "GET documents/:id": async ({ backend, id }) => {
    const item = await backend.document(id);
    if (item === undefined) throw new ConsoleError(404, `There is no document ${id}`);
    return item;
  },
  "GET addresses": (context) => context.backend.addresses(Ids.parse(queryOf(context)).ids.slice(0, MAX_ADDRESSES)),
  "POST uploads": ({ backend, body }) => backend.uploadAddress(Upload.parse(body)),
  "GET events": (context) => {
    const { pattern, ...page } = EventsPage.parse(queryOf(context));
    return context.backend.events({ ...page, matches: pattern === undefined ? () => true : matcherOf(pattern) });
  },
  "POST pattern": async ({ backend, body, host }) => {
    const { where, bus } = await backend.about();
    return checkPattern(Pattern.parse(body).pattern, bus, where === "local" ? `http://${host}` : undefined);
  },
  "POST replay": async (context) => {
    const replay = Replay.parse(context.body);
    await assertConfirmed(context, replay);
    return context.backend.replay(new Date(replay.from), context.signal);
  },
  "GET dead-letters": ({ backend, signal }) => backend.deadLetters(signal),
  "POST dead-letters/redrive": async (context) => {
    const redrive = Redrive.parse(context.body);
    await assertConfirmed(context, redrive);
    return context.backend.redrive(redrive.ids, context.signal);
  },
  "POST requests": async (context) => {
    const request = Request.parse(context.body);
    await assertConfirmed(context, request);
    await context.backend.request(request, context.signal);
    return {};
  },
  "GET faults": ({ backend }) => backend.faults(),
  "POST faults": ({ backend, body }) => backend.switchFaults(Switches.parse(body).on),
};

const VIDEO_ID = /(?<=^|\/)\d+(?=\/|$)/;

/** The answer of a method and a path; undefined where there is none. */
export function findRoute(method: string, path: string): { answer: Answer; id: number } | undefined {
  const route = `${method} ${path.replace(VIDEO_ID, ":id")}`;
  if (!Object.hasOwn(ROUTES, route)) return undefined;
  const id = Number(VIDEO_ID.exec(path)?.[0] ?? Number.NaN);
  return { answer: ROUTES[route]!, id };
}
