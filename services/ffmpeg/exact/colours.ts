import type { VideoSignalType } from "../formats/mpeg4-video-signal-type.ts";
import type { VideoFormat } from "../source/video-format.ts";

/**
 * Colour code points by ffprobe's names. ffmpeg's options use other names for some of them, which
 * also differ between versions. ITU-T H.273, section 8.
 */

const PRIMARIES: Readonly<Record<string, number>> = {
  ...{ bt709: 1, bt470m: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7, film: 8, bt2020: 9 },
  ...{ smpte428: 10, smpte431: 11, smpte432: 12, ebu3213: 22 },
};

const TRANSFERS: Readonly<Record<string, number>> = {
  ...{ bt709: 1, bt470m: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7, linear: 8, log100: 9, log316: 10 },
  ...{ "iec61966-2-4": 11, bt1361e: 12, "iec61966-2-1": 13, "bt2020-10": 14, "bt2020-12": 15 },
  ...{ smpte2084: 16, smpte428: 17, "arib-std-b67": 18 },
};

const SPACES: Readonly<Record<string, number>> = {
  ...{ gbr: 0, bt709: 1, fcc: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7, ycgco: 8, bt2020nc: 9, bt2020c: 10 },
  ...{ smpte2085: 11, "chroma-derived-nc": 12, "chroma-derived-c": 13, ictcp: 14 },
};

/** Empty when the name is "unknown", absent or not in the table. */
const option = (name: string, codes: Readonly<Record<string, number>>, value: string | undefined): string[] => {
  const code = codes[value ?? ""];
  return code === undefined ? [] : [name, String(code)];
};

type Colours = Pick<VideoFormat, "colorRange" | "colorSpace" | "colorTransfer" | "colorPrimaries">;

/** Colour options of an ffmpeg encoder. */
export const colourOptions = ({ colorSpace, colorTransfer, colorPrimaries }: Colours): string[] => [
  ...option("-colorspace", SPACES, colorSpace),
  ...option("-color_trc", TRANSFERS, colorTransfer),
  ...option("-color_primaries", PRIMARIES, colorPrimaries),
];

const UNSPECIFIED = 2;

/** The colours for an MPEG-4 header; undefined when none is known. */
export function videoSignalTypeOf({
  colorRange,
  colorSpace,
  colorTransfer,
  colorPrimaries,
}: Colours): VideoSignalType | undefined {
  const signal = {
    isFullRange: colorRange === "pc",
    primaries: PRIMARIES[colorPrimaries ?? ""] ?? UNSPECIFIED,
    transfer: TRANSFERS[colorTransfer ?? ""] ?? UNSPECIFIED,
    matrix: SPACES[colorSpace ?? ""] ?? UNSPECIFIED,
  };
  const { isFullRange, ...codes } = signal;
  return isFullRange || Object.values(codes).some((code) => code !== UNSPECIFIED) ? signal : undefined;
}
