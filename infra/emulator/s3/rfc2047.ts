/**
 * Metadata values outside US-ASCII travel as RFC 2047 encoded words: S3 decodes them before storing
 * and encodes before returning.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */
const WORD = /=\?([\w-]+)\?([bBqQ])\?([^?\s]*)\?=/g;
/** White space between two encoded words is not part of the text: RFC 2047, section 6.2. */
const BETWEEN_WORDS = /(=\?[\w-]+\?[bBqQ]\?[^?\s]*\?=)\s+(?==\?[\w-]+\?[bBqQ]\?)/g;

function decodeWord(word: string, charset: string, encoding: string, text: string): string {
  const name = charset.toLowerCase();
  if (name !== "utf-8" && name !== "us-ascii" && name !== "iso-8859-1") return word;
  const bytes =
    encoding.toLowerCase() === "b"
      ? Buffer.from(text, "base64")
      : Buffer.from(
          text
            .replaceAll("_", " ")
            .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          "latin1",
        );
  return bytes.toString(name === "iso-8859-1" ? "latin1" : "utf8");
}

/** The text of a header's value. */
export const decodeWords = (value: string): string => value.replace(BETWEEN_WORDS, "$1").replace(WORD, decodeWord);

/** The header's value for a text: itself where it is printable US-ASCII. */
export const encodeWord = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;
