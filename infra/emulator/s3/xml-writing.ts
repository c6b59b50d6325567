/**
 * An element: its name and either its text or the elements in it. `undefined` leaves the element
 * out. The name may be followed by attributes, as in `Grantee xsi:type="CanonicalUser"`.
 */
export type XmlField = readonly [name: string, value: string | number | boolean | undefined | readonly XmlField[]];

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/**
 * Control characters become references: a bare carriage return would be read back as a line feed.
 */
function escapeText(text: string): string {
  let escaped = "";
  for (const character of text) {
    const code = character.codePointAt(0)!;
    escaped += ESCAPES[character] ?? (code < 0x20 || code === 0x7f ? `&#x${code.toString(16)};` : character);
  }
  return escaped;
}

function render([name, value]: XmlField): string {
  if (value === undefined) return "";
  const content = typeof value === "object" ? value.map(render).join("") : escapeText(String(value));
  return `<${name}>${content}</${name.split(" ")[0]}>`;
}

/** A whole document in S3's namespace. Errors have none: `namespace` false. */
export function xmlDocument(root: string, fields: XmlField[1], namespace = true): string {
  const name = namespace ? `${root} xmlns="${NAMESPACE}"` : root;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render([name, fields ?? ""])}`;
}
