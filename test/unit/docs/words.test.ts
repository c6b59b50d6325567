import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";

/** Files and folders whose words are checked. */
const CHECKED = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "sst.config.ts"],
  ...["events-schema", "services", "infra", "test"],
];

/** Has the replaced words. */
const THIS_FILE = "test/unit/docs/words.test.ts";

/** Names and phrases that contain such a word and can stay. */
const ALLOWED = [
  // A setting of the first version; tags of media files; a directory of the operating system.
  /output_files_duration_in_sec\b|\bproduct_(?:name|version)\b|\bXDG_CACHE_HOME\b|\bhome folder\b/gi,
  // CSS, ffmpeg's filters, esbuild, the environment.
  /\bclip-path\b|\bclip\(|\boutputFiles\b|\bHOME\b/g,
  // The name of a fault: which seeds have it depends on the name.
  /\bdelivery twice at once\b/g,
  // Where SST and its test double have the provider or a folder.
  /\bhome: ?(?:"aws"|directory)/g,
  /\b(?:tell|tells|told) (?:\w+ ){0,5}(?:apart|from)\b/gi,
  // Queues, alarms and commands; an invented field of a schema.
  /\bdead-letters?\b|\bremark: \{/gi,
];

/**
 * Words that a reader wouldn't search for, by what to write instead. Identifiers are split into
 * words.
 */
const REPLACED: Readonly<Record<string, RegExp>> = {
  requested: /\b(?:wish|wishes|wished|wishing)\b/,
  "reported, says or shows": /\b(?:tell|tells|told|telling)\b/,
  received: /\b(?:hear|hears|heard|hearing)\b/,
  expiring: /\bdoomed\b/,
  "retry schedule": /\bpatience\b/,
  "metadata, properties or data": /\bfacts\b/,
  "mux, muxing or merge": /\bjoining\b/,
  "segment file": /\bproducts?\b/,
  "project layout or architecture": /\bhouse\b/,
  "is in, is at or is wrong": /\b(?:lie|lies|lying)\b/,
  events: /\bnews\b/,
  "is in, is in front of or handles": /\bstands?\b(?! ?-?in\b)/,
  "redrive, or its location": /\bhome\b/,
  "in sequence": /\bin turn\b/,
  concurrently: /\btwice at once\b/,
  redelivered: /\blater again\b/,
  "results in or is": /\b(?:come|comes|came) to\b/,
  "its length, its location": /\bso (?:long|large|far) as it is\b/,
  segment: /\bclips?\b|\boutput files?\b|\bvideo parts?\b|\bparts? of (?:a|the) (?:video|source|upload)\b/,
  estimated: /\breckon(?:s|ed|ing)?\b/,
  "approximate, cached or recorded": /\bremembered\b/,
  "dead letters": /\bdead letter office\b/,
  rfc2047: /\bmail words\b/,
  "please open an issue": /\bworth an issue\b/,
  "(leave it out)": /\bin so many words\b/,
  "dead letter": /(?<!\bdead )\bletters?\b/,
  "deliverer or delivery": /\bcouriers?\b/,
  "fix or repair": /\bmend(?:s|ed|ing)?\b/,
  finding: /\bremarks?\b/,
  again: /\b(?:anew|ever after)\b/,
  "fake or simulated": /\bmade-up\b/,
  "environment or context": /\bsurroundings\b/,
  "channel or messages": /\bconversations?\b/,
  "affected process": /\bvictims?\b/,
  "look up or check": /\blook(?:s|ed)? after\b/,
  "prevented from, or not": /\bkept from\b/,
  "ignore or skip": /\bpass(?:ed|es)? over (?!the\b|a\b|\d)/,
  "our own, or manually": /\bby hand\b/,
  "contended or concurrent": /\bforestall(?:s|ed|ing)?\b/,
  "a sentence that begins with its subject": /\b(?:used|held|kept) (?:is|are) the\b/,
};

/** Constants, before they're split. */
const SUPERLATIVE = /\b(?:MOST|LARGEST|LONGEST|HIGHEST|LEAST|SMALLEST|SHORTEST|FEWEST)_[A-Z_]+/g;

function filesAt(path: string): string[] {
  if (!statSync(join(PROJECT_ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(PROJECT_ROOT, path), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:tsx?|md)$/.test(name) && !name.includes("node_modules"))
    .map((name) => join(path, name));
}

/** Text in lower case, with identifiers as words and comments without their line breaks. */
const wordsOf = (text: string): string =>
  ALLOWED.reduce((left, allowed) => left.replaceAll(allowed, ""), text)
    .replaceAll(/\n\s*(?:\*|\/\/)? ?/g, " ")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();

const CONTEXT = 25;

/** Each replaced word in a text, with what is around it and what to write. */
function findings(text: string): string[] {
  const words = wordsOf(text);
  const found = Object.entries(REPLACED).flatMap(([instead, word]) =>
    [...words.matchAll(new RegExp(word, "g"))].map(({ 0: match, index }) => {
      const context = words.slice(Math.max(0, index - CONTEXT), index + match.length + CONTEXT).trim();
      return `"${match}" in "… ${context} …": write ${instead}`;
    }),
  );
  return [...found, ...(text.match(SUPERLATIVE) ?? []).map((name) => `${name}: write MAX_ or MIN_`)];
}

it("finds a replaced word in prose, in an identifier, and across the lines of a comment", () => {
  expect(findings("Is heard by the consumer.")).toEqual([expect.stringMatching(/^"heard" .*: write received$/)]);
  expect(findings("const sourceFacts = MOST_BYTES;")).toHaveLength(2);
  expect(findings("/**\n * Each one in\n * turn.\n */")).toEqual([expect.stringContaining("write in sequence")]);
  expect(findings("video_split.output_files_duration_in_sec can't be told apart")).toEqual([]);
});

it.each(CHECKED)("%s has none of the replaced words", (path) => {
  const files = filesAt(path).filter((file) => file !== THIS_FILE);
  expect(files.length).toBeGreaterThan(0);
  const found = files.flatMap((file) => {
    const name = findings(file).map((finding) => `${file}: its name has ${finding}`);
    return [...name, ...findings(readFileSync(join(PROJECT_ROOT, file), "utf8")).map((text) => `${file}: ${text}`)];
  });
  expect(found).toEqual([]);
});
