/**
 * The format that re-encoding keeps, as ffprobe prints it; "unknown" and undefined are the same.
 */
export type VideoFormat = {
  codec: string | undefined;
  profile: string | undefined;
  pixelFormat: string | undefined;
  /** Whether transparency is stored in BlockAdditions: VP8 and VP9 in WebM. */
  alphaMode: boolean;
  /** Sample aspect ratio, such as "4:3"; undefined: unknown. */
  sampleAspect: string | undefined;
  /** ISO 639-2; "und": unknown. */
  language: string;
  colorRange: string | undefined;
  colorSpace: string | undefined;
  colorTransfer: string | undefined;
  colorPrimaries: string | undefined;
  chromaLocation: string | undefined;
  /** "tt" and "bb", or "tb" and "bt" when coding order differs: interlaced. */
  fieldOrder: string | undefined;
  /** Average frames per second; undefined when the header has none, or an implausible one. */
  averageFps: number | undefined;
};
