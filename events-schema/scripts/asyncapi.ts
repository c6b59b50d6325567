import { catalog, type EventType, eventTypes, exampleOf, SOURCE } from "../src/index.ts";
import { partyOf } from "./compatibility/breaks.ts";

type JsonSchemaOf = (type: EventType) => Record<string, unknown>;

/** Schema and dialect of a message's payload: AsyncAPI's own format is JSON Schema draft 7. */
const DRAFT_2020_12 = "application/schema+json;version=draft-2020-12";

/** Names of what is in the document: the bus, and what this service and others do on it. */
const CHANNEL = "video";

const messageOf = (type: EventType, jsonSchemaOf: JsonSchemaOf) => ({
  name: type,
  title: type,
  summary: catalog[type].description,
  contentType: "application/json",
  payload: { schemaFormat: DRAFT_2020_12, schema: jsonSchemaOf(type) },
  correlationId: { location: "$message.payload#/detail/metadata/correlationId" },
  examples: [{ name: type, payload: exampleOf(type) }],
});

const reference = (...path: string[]) => ({ $ref: `#/${path.join("/")}` });

const operation = (action: "send" | "receive", summary: string, types: EventType[]) => ({
  action,
  channel: reference("channels", CHANNEL),
  summary,
  messages: types.map((type) => reference("channels", CHANNEL, "messages", type)),
});

/**
 * All events as an AsyncAPI 3 document, from the service's view: it sends what it announces, and
 * receives what others request. https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export const asyncApi = (jsonSchemaOf: JsonSchemaOf, version: string) => ({
  asyncapi: "3.0.0",
  info: {
    title: "Video Split",
    version,
    description: "Splits videos, and announces each segment on an Amazon EventBridge bus.",
    license: { name: "MIT" },
  },
  defaultContentType: "application/json",
  channels: {
    [CHANNEL]: {
      address: `${SOURCE}-{stage}`,
      title: "The video bus",
      description: "An EventBridge bus of one stage. On a laptop it is called video-split.",
      parameters: { stage: { description: "The stage's name, such as production." } },
      messages: Object.fromEntries(eventTypes.map((type) => [type, reference("components", "messages", type)])),
    },
  },
  operations: {
    announce: operation(
      "send",
      "What the service announces, at least once and in any order.",
      eventTypes.filter((type) => partyOf(type) === "readers"),
    ),
    request: operation(
      "receive",
      "What others ask for.",
      eventTypes.filter((type) => partyOf(type) === "writers"),
    ),
  },
  components: {
    messages: Object.fromEntries(eventTypes.map((type) => [type, messageOf(type, jsonSchemaOf)])),
  },
});
