/**
 * SST's kind of name for a topology's id: "splitFailures" is "SplitFailures", "split-requested" is
 * "SplitRequested".
 */
export const logicalName = (id: string): string =>
  id
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
