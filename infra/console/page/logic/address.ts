export const TABS = ["videos", "events", "documents", "dead-letters", "faults"] as const;
export type Tab = (typeof TABS)[number];

/** What is behind the "#" of the page's address: the token, the tab, and the document it shows. */
export type PageAddress = { token: string; tab: Tab; document: string };

/** Reads it. What isn't known is the first tab. */
export function readAddress(hash: string): PageAddress {
  const [token = "", tab = "", document = ""] = hash.replace(/^#/, "").split("/");
  return {
    token,
    tab: TABS.find((each) => each === tab) ?? "videos",
    document: /^\d+$/.test(document) ? document : "",
  };
}

export const writeAddress = ({ token, tab, document }: PageAddress): string =>
  `#${[token, tab, ...(document === "" ? [] : [document])].join("/")}`;
