import type { IncomingHttpHeaders } from "node:http";

/**
 * A dotted address of 127.0.0.0/8, [::1], localhost, and a name below localhost or 127.0.0.1, such
 * as a bucket's.
 */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[a-z0-9_.-]+\.)?(?:localhost|127\.0\.0\.1))$/;

/** Whether a host name, without its port, names this machine without a look-up in DNS. */
export const isLoopback = (hostname: string): boolean => LOOPBACK.test(hostname.toLowerCase());

/**
 * Whether a Host header names this machine. A page whose DNS name is rebound to 127.0.0.1 sends its
 * own name here.
 */
export function isLoopbackHost(host: string): boolean {
  const [, hostname = ""] = /^(.*?)(?::\d{1,5})?$/.exec(host) ?? [];
  return isLoopback(hostname);
}

/** A page in a browser that isn't the stack's own. */
export type Page = {
  /**
   * Undefined where the browser sends none, as for images, scripts and links; "null" for sandboxed
   * pages and files.
   */
  origin: string | undefined;
};

/**
 * The page that a request comes from; undefined for programs, which send neither header, for the
 * stack's own pages, and for an address that a user typed. https://www.w3.org/TR/fetch-metadata/
 */
export function foreignPage(headers: IncomingHttpHeaders): Page | undefined {
  const { origin, host, "sec-fetch-site": site } = headers;
  if (origin !== undefined) return origin === `http://${host}` ? undefined : { origin };
  return site === undefined || site === "same-origin" || site === "none" ? undefined : { origin };
}
