import { invalid } from "../exceptions.ts";

const MAX_PAGE = 100;

type Page = { Limit?: number | undefined; NextToken?: string | undefined };

const tokenOf = (name: string): string => Buffer.from(name).toString("base64url");

function nameIn(token: string): string {
  const name = Buffer.from(token, "base64url").toString();
  if (tokenOf(name) !== token) throw invalid("NextToken is not valid.");
  return name;
}

/**
 * One page of items that are sorted by name. The token is the last returned name, so pages are
 * correct while items are added and removed.
 */
export function page<T>(sorted: readonly T[], nameOf: (thing: T) => string, { Limit = MAX_PAGE, NextToken }: Page) {
  const after = NextToken === undefined ? undefined : nameIn(NextToken);
  const rest = after === undefined ? sorted : sorted.filter((thing) => nameOf(thing) > after);
  const shown = rest.slice(0, Limit);
  const last = shown.at(-1);
  return { shown, ...(last !== undefined && rest.length > Limit && { NextToken: tokenOf(nameOf(last)) }) };
}
