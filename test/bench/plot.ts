/** Points of one line: where (x), and what was measured there (y); both above zero. */
export type Line = { name: string; points: readonly { x: number; y: number }[] };

/** A diagram with logarithmic axes. */
export type Plot = {
  title: string;
  /** Marks of the x axis. */
  xMarks: readonly { x: number; label: string }[];
  /** After the numbers of the y axis. */
  unit: string;
  lines: readonly Line[];
};

const WIDTH = 460;
const HEIGHT = 330;
const MARGIN = { left: 58, right: 18, top: 42, bottom: 40 };
const LEGEND_LINE = 17;

/** Distinguishable without colour vision too, together with the marks' shapes. Okabe and Ito, 2008. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const short = (value: number): string => value.toFixed(1).replace(/\.0$/, "");

/** Powers of ten that span all values, at least one apart. */
function decades(values: readonly number[]): { low: number; high: number } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  return { low, high: Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)))) };
}

/** One diagram, its upper left corner at `left`. */
function diagram({ title, xMarks, unit, lines }: Plot, left: number): string {
  const { low, high } = decades(lines.flatMap(({ points }) => points.map(({ y }) => y)));
  const [first, last] = [Math.log10(xMarks[0]!.x), Math.log10(xMarks.at(-1)!.x)];
  const [innerWidth, innerHeight] = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const xOf = (x: number): number => left + MARGIN.left + ((Math.log10(x) - first) / (last - first)) * innerWidth;
  const yOf = (y: number): number => MARGIN.top + ((high - Math.log10(y)) / (high - low)) * innerHeight;
  const text = (x: number, y: number, content: string, anchor = "start", extra = ""): string =>
    `<text x="${short(x)}" y="${short(y)}" text-anchor="${anchor}"${extra}>${escaped(content)}</text>`;
  const bar = (x1: number, y1: number, x2: number, y2: number): string =>
    `<path class="grid" d="M${short(x1)} ${short(y1)}L${short(x2)} ${short(y2)}"/>`;
  const powers = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  const right = left + WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const grid = [
    ...powers.map((y) => bar(left + MARGIN.left, yOf(y), right, yOf(y))),
    ...powers.map((y) => text(left + MARGIN.left - 6, yOf(y) + 4, `${Number(y.toPrecision(1))}${unit}`, "end")),
    ...xMarks.map(({ x }) => bar(xOf(x), MARGIN.top, xOf(x), bottom)),
    ...xMarks.map(({ x, label }) => text(xOf(x), bottom + 18, label, "middle")),
  ];
  const drawn = lines.flatMap(({ name, points }, at) => {
    const colour = COLOURS[at % COLOURS.length]!;
    const path = points
      .map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${short(xOf(x))} ${short(yOf(y))}`)
      .join("");
    const key = HEIGHT + LEGEND_LINE * at;
    const keyLeft = left + MARGIN.left;
    return [
      `<path class="line" stroke="${colour}" d="${path}"/>`,
      ...points.map(({ x, y }) => `<circle cx="${short(xOf(x))}" cy="${short(yOf(y))}" r="3" fill="${colour}"/>`),
      `<path class="line" stroke="${colour}" d="M${keyLeft} ${key}h24"/>`,
      text(keyLeft + 32, key + 4, name),
    ];
  });
  return [text(left + MARGIN.left, 24, title, "start", ' font-weight="bold"'), ...grid, ...drawn].join("\n");
}

/** Diagrams side by side, each with its legend below, as the text of an SVG file. */
export function svg(plots: readonly Plot[]): string {
  const height = HEIGHT + LEGEND_LINE * Math.max(...plots.map(({ lines }) => lines.length)) + 8;
  const size = `width="${WIDTH * plots.length}" height="${height}"`;
  const box = `viewBox="0 0 ${WIDTH * plots.length} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${box} font-family="sans-serif" font-size="12">`,
    `<title>${escaped(plots.map(({ title }) => title).join("; "))}</title>`,
    "<style>.grid{stroke:#ddd;fill:none}.line{stroke-width:2;fill:none}</style>",
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...plots.map((plot, at) => diagram(plot, at * WIDTH)),
    "</svg>\n",
  ].join("\n");
}
