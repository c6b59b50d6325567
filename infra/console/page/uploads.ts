import type { About, UploadAddress } from "../api/types.ts";
import type { Client } from "./client.ts";
import { type UploadState, uploadFault } from "./logic/uploads.ts";

export type Options = { segmentSeconds: number; cut: About["defaults"]["cut"] };

/** `name` has the folders that the file was dropped with. */
export type Chosen = { file: File; name: string };

export type UploadView = { id: number; name: string; bytes: number; upload: UploadState };

type Job = UploadView & Chosen & { options: Options };

/** Files that are sent at the same time: a browser has six connections to a host. */
const MAX_AT_ONCE = 2;

function put({ url, headers }: UploadAddress, file: File, onProgress: (sent: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // fetch doesn't say how much was sent.
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onload = () =>
      request.status === 200 ? resolve() : reject(new Error(`S3 answered ${request.status}: ${request.responseText}`));
    request.onerror = () => reject(new Error("The connection broke, or the file can't be read any more"));
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.send(file);
  });
}

/** Uploads of this page, until they're sent: after that the API knows them. */
export class Uploads {
  readonly #client: Client;
  readonly #extensions: readonly string[];
  readonly #changed: () => void;
  #jobs: Job[] = [];
  #next = 0;

  constructor(client: Client, extensions: readonly string[], changed: () => void) {
    this.#client = client;
    this.#extensions = extensions;
    this.#changed = changed;
  }

  get views(): readonly UploadView[] {
    return this.#jobs;
  }

  add(chosen: readonly Chosen[], options: Options): void {
    for (const { file, name } of chosen) {
      const message = uploadFault(file, this.#extensions);
      const upload: UploadState = message === undefined ? { state: "queued" } : { state: "failed", message };
      this.#jobs = [...this.#jobs, { id: this.#next++, name, bytes: file.size, file, options, upload }];
    }
    this.#changed();
    this.#begin();
  }

  retry(id: number): void {
    this.#set(id, { state: "queued" });
    this.#begin();
  }

  remove(id: number): void {
    this.#jobs = this.#jobs.filter((job) => job.id !== id);
    this.#changed();
  }

  #set(id: number, upload: UploadState): void {
    this.#jobs = this.#jobs.map((job) => (job.id === id ? { ...job, upload } : job));
    this.#changed();
  }

  #begin(): void {
    const sending = this.#jobs.filter(({ upload }) => upload.state === "sending").length;
    const queued = this.#jobs.filter(({ upload }) => upload.state === "queued");
    for (const job of queued.slice(0, MAX_AT_ONCE - sending)) void this.#send(job);
  }

  async #send({ id, file, name, options }: Job): Promise<void> {
    this.#set(id, { state: "sending", sent: 0 });
    try {
      const address = await this.#client.post<UploadAddress>("uploads", { name, ...options });
      await put(address, file, (sent) => this.#set(id, { state: "sending", sent }));
      this.remove(id);
    } catch (error) {
      this.#set(id, { state: "failed", message: `${(error as Error).message}.` });
    }
    this.#begin();
  }
}

/** All files of what was dropped, also those in folders. */
export async function droppedFiles(items: DataTransferItemList): Promise<Chosen[]> {
  // Read at once: the list is empty after the event.
  const dropped = [...items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = dropped.map(({ entry, file }) => {
    // What isn't of the file system, such as an image of another page, has no entry.
    if (entry !== null) return filesIn(entry, "");
    return file === null ? [] : [{ file, name: file.name }];
  });
  return (await Promise.all(found)).flat();
}

async function filesIn(entry: FileSystemEntry, folder: string): Promise<Chosen[]> {
  const name = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, name }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Chosen[] = [];
  for (;;) {
    // It gives a hundred at a time, and none at the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const each of entries) found.push(...(await filesIn(each, `${name}/`)));
  }
}
