import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { orDamaged } from "../damage.ts";
import { refusedByDisk } from "../disk.ts";

/** A queue that a client has created. */
export type CreatedQueue = { name: string; attributes: Record<string, string>; tags: Record<string, string> };

const Texts = z.record(z.string(), z.string());
const StateFile = z.array(z.object({ name: z.string(), attributes: Texts, tags: Texts }));

/**
 * The queues that clients have created, in one file that is replaced as a whole. Throws
 * `DamagedStateError` for one that isn't as it was written.
 */
export class CreatedQueues {
  readonly #path: string;
  readonly #queues: Map<string, CreatedQueue>;

  constructor(path: string) {
    this.#path = path;
    const read = () => StateFile.parse(JSON.parse(readFileSync(path, "utf8")));
    const queues = existsSync(path) ? orDamaged(path, "its content", read) : [];
    this.#queues = new Map(queues.map((queue) => [queue.name, queue]));
  }

  all(): CreatedQueue[] {
    return [...this.#queues.values()];
  }

  get(name: string): CreatedQueue | undefined {
    return this.#queues.get(name);
  }

  /** Adds or replaces one. Durable when it returns. */
  put(queue: CreatedQueue): void {
    this.#queues.set(queue.name, queue);
    this.#save();
  }

  delete(name: string): void {
    this.#queues.delete(name);
    this.#save();
  }

  #save(): void {
    const fresh = `${this.#path}.new`;
    try {
      writeFileSync(fresh, JSON.stringify(this.all()), { mode: 0o600 });
      renameSync(fresh, this.#path);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw refusedByDisk(error, this.#path);
    }
  }
}
