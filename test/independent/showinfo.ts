/** The properties of a decoded frame that ffmpeg's filter `showinfo` prints. */
export type ShownFrame = {
  /** Seconds; NaN when the file has none. */
  time: number;
  isKey: boolean;
  size: [number, number];
  /** As ffmpeg names it, such as "yuv420p10le". */
  pixelFormat: string;
  /** Sample aspect ratio, interlacing and colours, by name. */
  traits: Readonly<Record<string, string>>;
  /** Names of the side data that affects what is shown. */
  sideData: readonly string[];
};

const FRAME = /\bn: *\d+ pts: *(-?\d+|NOPTS)\b.*? fmt:(\S+) (?:.*?)sar:(\S+) s:(\d+)x(\d+) i:(\S) iskey:(\d)/;
const COLOUR = /\bcolor_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)/;
const SIDE_DATA = /\bside data - ([^:(\n]+)/;
const TIME_BASE = /\bconfig in time_base: (\d+)\/(\d+)/;

/** Side data that affects what is shown, by the names of several versions of ffmpeg. */
const VISIBLE: readonly [RegExp, string][] = [
  [/^mastering display/i, "mastering display"],
  [/^content light level/i, "content light level"],
  [/^(?:HDR Dynamic Metadata|HDR10\+)/i, "HDR10+"],
  [/^Dolby Vision Metadata/i, "Dolby Vision metadata"],
  [/^A\/53 closed captions/i, "closed captions"],
];

/** 0:1 and 0/1 mean unknown, i.e. square; a frame without a field order is progressive. */
const normalAspect = (sar: string): string => (/^0[/:]/.test(sar) ? "1/1" : sar.replace(":", "/"));

/** Shares equal objects: there are many frames and few different values. */
function interned<T>() {
  const known = new Map<string, T>();
  return (value: T): T => {
    const key = JSON.stringify(value);
    const first = known.get(key);
    if (first !== undefined) return first;
    known.set(key, value);
    return value;
  };
}

/** Parses ffmpeg's messages line by line and returns the frames. */
export function showinfoReader() {
  const frames: ShownFrame[] = [];
  const traitsOf = interned<Record<string, string>>();
  const sideDataOf = interned<string[]>();
  let tick = Number.NaN;
  let timeBase: [number, number] = [0, 1];

  const listen = (line: string): void => {
    if (!line.includes("Parsed_showinfo")) return;
    const frame = FRAME.exec(line);
    const last = frames.at(-1);
    if (frame !== null) {
      const [, pts, pixelFormat, sar, width, height, interlaced, key] = frame;
      frames.push({
        time: pts === "NOPTS" ? Number.NaN : (Number(pts) * timeBase[0]) / timeBase[1],
        isKey: key === "1",
        size: [Number(width), Number(height)],
        pixelFormat: pixelFormat!,
        traits: traitsOf({ aspect: normalAspect(sar!), fields: interlaced! }),
        sideData: [],
      });
      return;
    }
    const base = TIME_BASE.exec(line);
    if (base !== null) {
      timeBase = [Number(base[1]), Number(base[2])];
      tick = timeBase[0] / timeBase[1];
    }
    if (last === undefined) return;
    const [, range, space, primaries, transfer] = COLOUR.exec(line) ?? [];
    if (range !== undefined) {
      const colour = { range, space: space!, primaries: primaries!, transfer: transfer! };
      last.traits = traitsOf({ ...last.traits, ...colour });
    }
    const [, side] = SIDE_DATA.exec(line) ?? [];
    const name = VISIBLE.find(([pattern]) => side !== undefined && pattern.test(side))?.[1];
    if (name !== undefined && !last.sideData.includes(name))
      last.sideData = sideDataOf([...last.sideData, name].sort());
  };
  return { frames, listen, tick: () => tick };
}
