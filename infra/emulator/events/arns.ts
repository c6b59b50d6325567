export const DEFAULT_BUS = "default";

/** Writes and reads the ARNs of one account in one region. */
export type Arns = {
  bus(name: string): string;
  rule(bus: string, name: string): string;
  archive(name: string): string;
  replay(name: string): string;
  /** The name in an ARN of that kind of this account and region, or undefined. */
  nameIn(kind: "event-bus" | "archive" | "replay", arn: string): string | undefined;
  ruleIn(arn: string): { bus: string; name: string } | undefined;
  /**
   * The bus that a request means: a name, an ARN, or nothing for the default bus. Undefined for
   * another account's.
   */
  busOf(nameOrArn: string | undefined): string | undefined;
};

/**
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html#amazoneventbridge-resources-for-iam-policies
 */
export function arnsOf(region: string, account: string): Arns {
  const prefix = `arn:aws:events:${region}:${account}:`;
  const nameIn: Arns["nameIn"] = (kind, arn) => {
    const start = `${prefix}${kind}/`;
    return arn.startsWith(start) ? arn.slice(start.length) : undefined;
  };
  return {
    bus: (name) => `${prefix}event-bus/${name}`,
    rule: (bus, name) => (bus === DEFAULT_BUS ? `${prefix}rule/${name}` : `${prefix}rule/${bus}/${name}`),
    archive: (name) => `${prefix}archive/${name}`,
    replay: (name) => `${prefix}replay/${name}`,
    nameIn,
    ruleIn: (arn) => {
      const start = `${prefix}rule/`;
      if (!arn.startsWith(start)) return undefined;
      const path = arn.slice(start.length);
      const slash = path.lastIndexOf("/");
      return slash === -1
        ? { bus: DEFAULT_BUS, name: path }
        : { bus: path.slice(0, slash), name: path.slice(slash + 1) };
    },
    busOf: (nameOrArn = DEFAULT_BUS) => (nameOrArn.startsWith("arn:") ? nameIn("event-bus", nameOrArn) : nameOrArn),
  };
}
