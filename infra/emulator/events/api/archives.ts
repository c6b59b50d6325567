import * as z from "zod";
import { archived } from "../archives.ts";
import { alreadyExists, invalid } from "../exceptions.ts";
import { type ArchiveRecord, byName } from "../registry.ts";
import { type Api, archiveOf, busOf, epochSeconds, operation, patternFrom, present } from "./operation.ts";
import { page } from "./paging.ts";
import { archiveName, arn, description, eventPattern, paging } from "./shapes.ts";

const Settings = {
  Description: description,
  EventPattern: eventPattern,
  RetentionDays: z.int().min(0).optional(),
};
const Named = z.object({ ArchiveName: archiveName });

const created = ({ name, createdAt }: ArchiveRecord, { arns }: Api) => ({
  ArchiveArn: arns.archive(name),
  State: "ENABLED",
  CreationTime: epochSeconds(createdAt),
});

export const createArchive = operation(Named.extend({ EventSourceArn: arn, ...Settings }), (input, api) => {
  const { ArchiveName, Description, EventPattern } = input;
  if (api.registry.archives.has(ArchiveName)) throw alreadyExists(`Archive ${ArchiveName}`);
  const bus = busOf(api, input.EventSourceArn).name;
  if (EventPattern) patternFrom(EventPattern);
  const archive: ArchiveRecord = {
    name: ArchiveName,
    bus,
    ...(EventPattern && { pattern: EventPattern }),
    ...(Description !== undefined && { description: Description }),
    retentionDays: input.RetentionDays ?? 0,
    createdAt: Date.now(),
    from: api.buses.store(bus).end,
    managed: false,
  };
  api.registry.archives.set(ArchiveName, archive);
  api.registry.save();
  return created(archive, api);
});

export const updateArchive = operation(Named.extend(Settings), (input, api) => {
  const archive = archiveOf(api, input.ArchiveName);
  if (input.EventPattern) {
    patternFrom(input.EventPattern);
    archive.pattern = input.EventPattern;
  }
  if (input.Description !== undefined) archive.description = input.Description;
  archive.retentionDays = input.RetentionDays ?? archive.retentionDays;
  api.registry.save();
  return created(archive, api);
});

export const deleteArchive = operation(Named, ({ ArchiveName }, api) => {
  archiveOf(api, ArchiveName);
  api.registry.archives.delete(ArchiveName);
  api.registry.save();
  return {};
});

/** Counted from the log, so never late; AWS's numbers are. */
function contents({ bus, from, ...archive }: ArchiveRecord, { buses }: Api) {
  const holds = archived(archive, Date.now());
  const store = buses.store(bus);
  let EventCount = 0;
  let SizeBytes = 0;
  for (const placed of store.entries(from, store.end)) {
    if (!holds(placed)) continue;
    EventCount++;
    SizeBytes += Buffer.byteLength(JSON.stringify(placed.entry.event));
  }
  return { EventCount, SizeBytes };
}

const shown = (archive: ArchiveRecord, api: Api) => ({
  ArchiveName: archive.name,
  EventSourceArn: api.arns.bus(archive.bus),
  State: "ENABLED",
  RetentionDays: archive.retentionDays,
  ...contents(archive, api),
  CreationTime: epochSeconds(archive.createdAt),
});

export const describeArchive = operation(Named, ({ ArchiveName }, api) => {
  const archive = archiveOf(api, ArchiveName);
  const { description: Description, pattern: EventPattern } = archive;
  return {
    ArchiveArn: api.arns.archive(ArchiveName),
    ...shown(archive, api),
    ...present({ Description, EventPattern }),
  };
});

const ListArchives = z.object({
  NamePrefix: archiveName.optional(),
  EventSourceArn: arn.optional(),
  State: z.enum(["ENABLED", "DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED"]).optional(),
  ...paging,
});

export const listArchives = operation(ListArchives, ({ NamePrefix, EventSourceArn, State, ...where }, api) => {
  if ([NamePrefix, EventSourceArn, State].filter((filter) => filter !== undefined).length > 1) {
    throw invalid("At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.");
  }
  const archives = byName(api.registry.archives.values()).filter(
    ({ name, bus }) =>
      name.startsWith(NamePrefix ?? "") &&
      (EventSourceArn === undefined || api.arns.bus(bus) === EventSourceArn) &&
      (State === undefined || State === "ENABLED"),
  );
  const { shown: some, ...next } = page(archives, ({ name }) => name, where);
  return { Archives: some.map((archive) => shown(archive, api)), ...next };
});
