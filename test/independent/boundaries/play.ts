import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { findChromium, openChromium } from "../../fixtures/console.ts";

/** What Chromium reports about a file that it played to its end. */
export type Played = { error: string; frames: number; dropped: number; corrupted: number };

const TYPES: Readonly<Record<string, string>> = {
  ".mp4": "video/mp4",
  ".mov": "video/mp4",
  ".mkv": "video/x-matroska",
};

/** Serves files by their absolute path, with ranges, as players request them. */
async function serveFiles(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent((request.url ?? "").split("?")[0]!);
    if (TYPES[extname(path)] === undefined)
      return void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>play</title>");
    const { size } = await stat(path);
    const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const [start, end] = [Number(from), to === "" ? size - 1 : Number(to)];
    const headers = {
      "content-type": TYPES[extname(path)],
      "accept-ranges": "bytes",
      "cache-control": "no-store",
      "content-length": end - start + 1,
    };
    response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${end}/${size}` });
    createReadStream(path, { start, end })
      .on("error", () => response.destroy())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const PLAY = (url: string, limit: number): string => `new Promise((resolve) => {
  const video = document.createElement("video");
  video.muted = true;
  const done = (error) => {
    const { totalVideoFrames, droppedVideoFrames, corruptedVideoFrames } = video.getVideoPlaybackQuality();
    resolve({ error, frames: totalVideoFrames, dropped: droppedVideoFrames, corrupted: corruptedVideoFrames ?? 0 });
    video.remove();
  };
  video.onended = () => done("");
  video.onerror = () => done(video.error.message || "error " + video.error.code);
  setTimeout(() => done("not played to its end at " + video.currentTime + " s"), ${limit});
  document.body.append(video);
  video.src = ${JSON.stringify(url)};
  video.play().catch((error) => done(String(error)));
})`;

const MAX_PLAYING_MS = 60_000;

/** Plays files in a headless Chromium; undefined where there is none. The caller closes it. */
export async function openPlayer() {
  const path = findChromium();
  if (path === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "video-split-browser-"));
  const browser = await openChromium(path, folder);
  const server = await serveFiles();
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = await browser.newPage();
  await page.goto(address);
  let playings = 0;
  return {
    version: browser.version(),
    play: (file: string): Promise<Played> => {
      // Another segment may have had the same path: Chromium would play that one again.
      playings += 1;
      return page.evaluate<Played>(PLAY(`${address}${encodeURI(file)}?${playings}`, MAX_PLAYING_MS));
    },
    close: async () => {
      await browser.close();
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Player = NonNullable<Awaited<ReturnType<typeof openPlayer>>>;
