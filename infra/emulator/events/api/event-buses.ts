import * as z from "zod";
import { DEFAULT_BUS } from "../arns.ts";
import { alreadyExists, invalid } from "../exceptions.ts";
import { type BusRecord, byName } from "../registry.ts";
import { type Api, busOf, epochSeconds, operation, present } from "./operation.ts";
import { page } from "./paging.ts";
import { busName, busNameOrArn, description, paging, tags } from "./shapes.ts";
import { tagsFrom } from "./tags.ts";

const CreateEventBus = z.object({
  Name: busName,
  EventSourceName: z.string().optional(),
  Description: description,
  Tags: tags,
});

export const createEventBus = operation(CreateEventBus, ({ Name, EventSourceName, Description, Tags }, api) => {
  if (EventSourceName !== undefined) throw invalid("Partner event sources are not supported by the local EventBridge.");
  if (Name.includes("/")) throw invalid("Event bus name must not contain '/'.");
  if (api.registry.buses.has(Name)) throw alreadyExists(`Event bus ${Name}`);
  const optional = Description === undefined ? {} : { description: Description };
  api.registry.buses.set(Name, {
    name: Name,
    ...optional,
    createdAt: Date.now(),
    tags: tagsFrom(Tags),
    managed: false,
  });
  api.registry.save();
  api.buses.open(Name);
  return present({ EventBusArn: api.arns.bus(Name), Description });
});

/** Deleting a bus that doesn't exist isn't an error. Its log is deleted too. */
export const deleteEventBus = operation(z.object({ Name: busName }), ({ Name }, api) => {
  if (Name === DEFAULT_BUS) throw invalid("Cannot delete event bus default.");
  if (!api.registry.buses.has(Name)) return {};
  if (api.registry.rulesOf(Name).length > 0) {
    throw invalid(`EventBus ${Name} can't be deleted since it has rules.`);
  }
  // On AWS an archive is a rule of its bus.
  if ([...api.registry.archives.values()].some(({ bus }) => bus === Name)) {
    throw invalid(`EventBus ${Name} can't be deleted since it has archives.`);
  }
  api.registry.buses.delete(Name);
  api.registry.save();
  api.buses.delete(Name);
  return {};
});

const shown = (bus: BusRecord, { arns }: Api) =>
  present({
    Name: bus.name,
    Arn: arns.bus(bus.name),
    Description: bus.description,
    CreationTime: epochSeconds(bus.createdAt),
    LastModifiedTime: epochSeconds(bus.createdAt),
  });

export const describeEventBus = operation(z.object({ Name: busNameOrArn.optional() }), ({ Name }, api) =>
  shown(busOf(api, Name), api),
);

export const listEventBuses = operation(
  z.object({ NamePrefix: busName.optional(), ...paging }),
  ({ NamePrefix = "", ...where }, api) => {
    const buses = byName(api.registry.buses.values()).filter(({ name }) => name.startsWith(NamePrefix));
    const { shown: some, ...next } = page(buses, ({ name }) => name, where);
    return { EventBuses: some.map((bus) => shown(bus, api)), ...next };
  },
);
