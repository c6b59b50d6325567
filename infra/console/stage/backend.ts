import { paginateScan } from "@aws-sdk/lib-dynamodb";
import { openOnce } from "../../../services/video/open-once.ts";
import { openDeployment } from "../../operations/deployment.ts";
import type { Settings } from "../../settings.ts";
import { type Backend, ConsoleError } from "../api/backend.ts";
import { isUpload, VIDEO_PROJECTION, videosOf, viewOf } from "../api/documents.ts";
import { operations, signWith } from "../api/operate.ts";
import type { About, VideoView } from "../api/types.ts";

/** Pages of a megabyte of the table that one look at its uploads reads: a cent for 30 looks. */
const MAX_SCANNED_PAGES = 20;

/** Milliseconds for which the list of videos is kept. Those that are being split are read each time. */
const LIST_MS = 30_000;

const notThere = (what: string, instead: string) => (): never => {
  throw new ConsoleError(404, `${what} of a deployed stage ${instead}`);
};

/**
 * The console of a deployed stage, with the credentials of the environment. Reads documents and
 * signs addresses of their objects; EventBridge's archive can't be read, only replayed.
 */
export function stageBackend(stage: string, settings: Settings): Backend {
  const where = { stage };
  const deployed = openOnce(() => openDeployment(where));

  const about = async (): Promise<About> => {
    const { bus, table } = await deployed();
    return {
      where: "stage",
      name: stage,
      region: settings["dynamodb.region"],
      bus,
      table,
      uploads: {
        bucket: settings["video_split.upload_bucket"] ?? "",
        prefix: settings["video_split.upload_key_prefix"],
      },
      defaults: {
        segmentSeconds: settings["video_split.output_files_duration_in_sec"],
        cut: settings["video_split.cut"],
      },
      extensions: [...settings["video_split.accepted_extensions"]],
      can: { upload: false, events: false, faults: false },
      confirm: stage,
    };
  };

  /** All uploads of the table, newest first. No index lists them. */
  const scan = async (): Promise<VideoView[]> => {
    const { documents: client, table } = await deployed();
    const found: VideoView[] = [];
    let pages = 0;
    for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ...VIDEO_PROJECTION })) {
      found.push(...Items.filter(isUpload).map(viewOf));
      pages += 1;
      if (pages === MAX_SCANNED_PAGES) break;
    }
    found.sort((one, other) => (one.creation_time < other.creation_time ? 1 : -1));
    return found;
  };

  let listed: { at: number; uploads: ReturnType<typeof scan> } | undefined;
  const uploads = () => {
    if (listed === undefined || Date.now() - listed.at > LIST_MS) listed = { at: Date.now(), uploads: scan() };
    // A scan that failed isn't kept.
    listed.uploads.catch(() => {
      listed = undefined;
    });
    return listed.uploads;
  };

  return {
    ...operations(where, deployed, ({ s3 }) => signWith(s3)),
    about,
    videos: async ({ before, limit }) => {
      const videos = await uploads();
      const at = videos.findIndex(({ VideoId }) => VideoId === before);
      const from = before === undefined ? 0 : at === -1 ? videos.length : at + 1;
      const more = videos.length > from + limit;
      const page = videos.slice(from, from + limit);
      const { documents: client, table } = await deployed();
      const changing = page.filter(({ status }) => status === "processing").map(({ VideoId }) => VideoId);
      const now = new Map((await videosOf({ client, table }, changing)).map((video) => [video.VideoId, video]));
      return { videos: page.map((video) => now.get(video.VideoId) ?? video), waiting: [], more };
    },
    uploadAddress: notThere("Uploads", "are made with the AWS CLI or an SDK: docs/upload.md"),
    events: notThere("The event log", "is an archive, which can be replayed and not read"),
    replay: notThere("The event log", "is replayed with npx video-split replay"),
    faults: notThere("Faults", "can't be injected"),
    switchFaults: notThere("Faults", "can't be injected"),
    listen: () => () => {},
  };
}
