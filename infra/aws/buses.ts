import type { Topology } from "../topology.ts";

type Subscribe = sst.aws.Bus["subscribe"];

/** A bus that can have rules. */
export type Subscribable = { subscribe(...args: Parameters<Subscribe>): ReturnType<Subscribe> };

/**
 * The video bus. Its name is the stage's, so that other apps can name it. It is kept as long as its
 * archive: AWS deletes no bus on which an archive has a rule.
 */
export const createVideoBus = (name: string): sst.aws.Bus =>
  new sst.aws.Bus("VideoBus", { transform: { bus: { name } } }, { retainOnDelete: $app.removal !== "remove" });

/**
 * A bus of the account that isn't this app's: the default one, where S3 sends its events, or
 * another app's video bus.
 */
export function existingBus(name: string): Subscribable {
  const { arn } = aws.cloudwatch.getEventBusOutput({ name });
  return { subscribe: (rule, subscriber, args) => sst.aws.Bus.subscribe(rule, arn, subscriber, args) };
}

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html */
const MAX_ARCHIVE_NAME = 48;

/**
 * The event log: every event of the video bus, kept for replays. EventBridge doesn't archive
 * replayed events.
 */
export function createArchive<Name>({ archive }: Topology<Name>, bus: sst.aws.Bus): aws.cloudwatch.EventArchive {
  if (archive.name.length > MAX_ARCHIVE_NAME) {
    const max = $app.stage.length - (archive.name.length - MAX_ARCHIVE_NAME);
    throw new $util.RunError(
      `Stage "${$app.stage}" has a name that is too long: EventBridge allows at most ${max} characters.`,
    );
  }
  return new aws.cloudwatch.EventArchive(
    "EventLog",
    {
      name: archive.name,
      description: "All events of the video bus. Video documents are rebuilt from them.",
      eventSourceArn: bus.arn,
      retentionDays: archive.retentionDays,
    },
    { retainOnDelete: $app.removal !== "remove" },
  );
}
