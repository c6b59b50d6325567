import type { BusEvent } from "../emulator/events/index.ts";

/** One line for an event: what, of which video, where. */
export function describeEvent(bus: string, event: BusEvent): string {
  const detail = event.detail as {
    data?: Record<string, unknown>;
    object?: { key?: string };
    bucket?: { name?: string };
  };
  const { key, VideoId, segment_index: index, rejection } = detail.data ?? {};
  const what = detail.object === undefined ? key : `s3://${detail.bucket?.name}/${detail.object.key}`;
  const why = rejection === undefined ? "" : ` ${JSON.stringify(rejection)}`;
  return (
    [event.time.slice(11, 19), bus, event["detail-type"], VideoId, index === undefined ? undefined : `#${index}`, what]
      .filter((part) => part !== undefined)
      .join("  ") + why
  );
}
