/** What is to be kept of a picture when it's encoded again: as ffprobe prints it, "unknown" and absent alike. */
export type VideoFormat = {
  codec: string | undefined;
  profile: string | undefined;
  pixelFormat: string | undefined;
  /** Whether transparency comes beside the pictures: VP8 and VP9 in WebM. */
  alphaMode: boolean;
  /** Width of a sample by its height; undefined where it's unknown. */
  sampleAspect: string | undefined;
  /** ISO 639-2; "und" where it's unknown. */
  language: string;
  colorRange: string | undefined;
  colorSpace: string | undefined;
  colorTransfer: string | undefined;
  colorPrimaries: string | undefined;
  chromaLocation: string | undefined;
  /** "tt" and "bb", or "tb" and "bt" where coding order differs: interlaced. */
  fieldOrder: string | undefined;
  /** Average frames per second; undefined where the header has none, or an absurd one. */
  averageFps: number | undefined;
};
