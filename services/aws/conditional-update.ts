import { UpdateCommand } from "@aws-sdk/lib-dynamodb";

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * Collects an update of one item's attributes, and its conditions. Placeholders replace all names
 * and values, because many names are reserved words.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
 */
export class ConditionalUpdate {
  readonly #names = new Map<string, string>();
  readonly #values: Record<string, unknown> = {};
  readonly #conditions: string[] = [];
  readonly #set: string[] = [];
  readonly #remove: string[] = [];

  #name(name: string): string {
    const placeholder = this.#names.get(name) ?? `#n${this.#names.size}`;
    this.#names.set(name, placeholder);
    return placeholder;
  }

  #value(value: unknown): string {
    const placeholder = `:v${Object.keys(this.#values).length}`;
    this.#values[placeholder] = value;
    return placeholder;
  }

  /** Gives the attribute a value; undefined removes it. */
  set(attribute: string, value: unknown): void {
    const name = this.#name(attribute);
    if (value === undefined) this.#remove.push(name);
    else this.#set.push(`${name} = ${this.#value(value)}`);
  }

  /** Requires that the attribute has this value; undefined: that it doesn't exist. */
  expect(attribute: string, value: unknown): void {
    this.#expect(this.#name(attribute), value);
  }

  /** Requires that the attribute is a list, set or map with this number of elements. */
  expectLength(attribute: string, length: number): void {
    this.#conditions.push(`size(${this.#name(attribute)}) = ${this.#value(length)}`);
  }

  /**
   * DynamoDB compares whole lists and maps, dynalite doesn't: so they are compared leaf by leaf.
   */
  #expect(path: string, value: unknown): void {
    if (value === undefined) this.#conditions.push(`attribute_not_exists(${path})`);
    else if (Array.isArray(value)) {
      this.#conditions.push(`size(${path}) = ${this.#value(value.length)}`);
      for (const [index, element] of value.entries()) this.#expect(`${path}[${index}]`, element);
    } else if (isPlainObject(value)) {
      const entries = Object.entries(value);
      this.#conditions.push(`size(${path}) = ${this.#value(entries.length)}`);
      for (const [name, element] of entries) this.#expect(`${path}.${this.#name(name)}`, element);
    } else this.#conditions.push(`${path} = ${this.#value(value)}`);
  }

  /** The command; undefined where nothing was set. */
  command(TableName: string, Key: Record<string, unknown>): UpdateCommand | undefined {
    const clauses = [
      ...(this.#set.length > 0 ? [`SET ${this.#set.join(", ")}`] : []),
      ...(this.#remove.length > 0 ? [`REMOVE ${this.#remove.join(", ")}`] : []),
    ];
    if (clauses.length === 0) return undefined;
    return new UpdateCommand({
      TableName,
      Key,
      UpdateExpression: clauses.join(" "),
      ConditionExpression: this.#conditions.join(" AND "),
      ExpressionAttributeNames: Object.fromEntries([...this.#names].map(([name, placeholder]) => [placeholder, name])),
      ExpressionAttributeValues: this.#values,
    });
  }
}
