import { malformedXml } from "./errors.ts";

/** An element of a request's body. `text` is its own text, without that of the elements in it. */
export type XmlElement = { name: string; text: string; children: XmlElement[] };

/** Those of XML itself. A map: a name such as `toString` is none. */
const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }),
);
const DEEPEST = 16;
const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<\/([^\s>/]+)\s*>|<([^\s>/!?]+)((?:\s+[^\s=>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/gy;

/** Throws `MalformedXML` for a bare ampersand and for an entity that XML itself doesn't have. */
function resolveEntities(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/&([^;&\s]{1,10};)?/g, (_, entity = "") => {
    const name = String(entity).slice(0, -1);
    const known = ENTITIES.get(name);
    if (known !== undefined) return known;
    const [, hexadecimal, decimal] = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name) ?? [];
    const point = hexadecimal === undefined ? Number.parseInt(decimal ?? "", 10) : Number.parseInt(hexadecimal, 16);
    if (!(point <= 0x10ffff)) throw malformedXml();
    return String.fromCodePoint(point);
  });
}

const localName = (name: string): string => name.slice(name.indexOf(":") + 1);

/**
 * Reads a small document strictly: one root, balanced tags, no document type (so no entities of its
 * own). Namespaces and attributes are ignored, as S3 does. Throws `MalformedXML`.
 */
export function parseXml(source: string): XmlElement {
  const document: XmlElement = { name: "", text: "", children: [] };
  const open: XmlElement[] = [document];
  TOKEN.lastIndex = 0;
  const text = source.replace(/^\uFEFF/, "");
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    if (token === null) throw malformedXml();
    const [, cdata, closing, opening, , selfClosing, characters] = token;
    const parent = open.at(-1)!;
    if (opening !== undefined) {
      const element: XmlElement = { name: localName(opening), text: "", children: [] };
      parent.children.push(element);
      if (selfClosing === "") open.push(element);
      if (open.length > DEEPEST) throw malformedXml();
    } else if (closing !== undefined) {
      if (open.length === 1 || parent.name !== localName(closing)) throw malformedXml();
      open.pop();
    } else {
      parent.text += cdata ?? resolveEntities(characters ?? "");
    }
  }
  const [root] = document.children;
  if (open.length !== 1 || document.children.length !== 1 || document.text.trim() !== "") throw malformedXml();
  return root!;
}

/** The document's root, which must have this name. Throws `MalformedXML`. */
export function parseRoot(source: string, name: string): XmlElement {
  const root = parseXml(source);
  if (root.name !== name) throw malformedXml();
  return root;
}

export const childrenNamed = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child) => child.name === name);

export const childText = (element: XmlElement, name: string): string | undefined =>
  element.children.find((child) => child.name === name)?.text;
