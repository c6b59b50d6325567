import { setImmediate } from "node:timers/promises";
import { documentOf, recordOf } from "../../services/aws/video-document-item.ts";
import { canonical } from "../../services/projector/domain/canonical.ts";
import type { VideoDocument, VideoRecord } from "../../services/projector/domain/document.ts";
import type { VideoDocuments } from "../../services/projector/ports/video-documents.ts";

/**
 * Documents in memory, checked by the table's own schema. Other writers can write between its read
 * and its write.
 */
export function fakeVideoDocuments(): VideoDocuments & {
  all: ReadonlyMap<number, VideoRecord>;
  get(VideoId: number): Promise<VideoDocument | undefined>;
} {
  const all = new Map<number, VideoRecord>();
  const read = (VideoId: number) => recordOf(structuredClone(all.get(VideoId)));
  return {
    all,
    get: async (VideoId) => documentOf(read(VideoId)),
    evolve: async (VideoId, fold) => {
      for (;;) {
        const before = all.get(VideoId);
        const document = read(VideoId);
        await setImmediate();
        const after = fold(document);
        if (all.get(VideoId) !== before) continue;
        if (canonical(before) === canonical(after)) return "unchanged";
        all.set(VideoId, JSON.parse(JSON.stringify(after)));
        return "changed";
      }
    },
  };
}
