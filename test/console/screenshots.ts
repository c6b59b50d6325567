import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { dropFile, findChromium, openChromium, openConsoleStack } from "../fixtures/console.ts";
import { ffmpeg } from "../fixtures/media.ts";

/**
 * Takes the console's screenshots: `node test/console/screenshots.ts [VIDEO] [--seconds N] [--out FOLDER]`.
 * Without VIDEO it makes one, and without a folder they go to docs/images.
 */

const { values, positionals } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    out: { type: "string", default: join(PROJECT_ROOT, "docs", "images") },
  },
  allowPositionals: true,
});

const DESKTOP = { width: 900, height: 760 };
const TALL = { width: 900, height: 1_180 };
const PHONE = { width: 390, height: 1_000 };

const TIMEOUT_MS = 300_000;

/** Flat colours with a clock: it's a small picture. */
async function makeVideo(folder: string): Promise<string> {
  const path = join(folder, "Beach day.mp4");
  const video =
    "smptehdbars=size=640x360:rate=25,drawtext=text='%{pts\\:hms}':fontsize=52:x=130:y=150:box=1:boxborderw=12";
  const encoder = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 100 -c:a aac -b:a 64k".split(" ");
  const inputs = ["-f", "lavfi", "-i", video, "-f", "lavfi", "-i", "sine=frequency=220"];
  await ffmpeg(...inputs, "-t", "28", ...encoder, path);
  return path;
}

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate("scrollTo(0, 0)");
  await page.screenshot({ path: join(resolve(values.out), `console-${name}.png`) });
}

async function takeAll(page: Page, video: string, folder: string): Promise<void> {
  await page.getByLabel("Segment length").fill(values.seconds);
  await dropFile(page, video, basename(video));
  const card = page.getByRole("article").first();
  await card.getByRole("button", { name: "Play segment 2" }).waitFor();
  await card.locator(".poster img").first().waitFor();
  await take(page, "filling");
  await card.getByText("Proof").waitFor();
  await card.getByText("on average").waitFor();
  await card.getByText("Figures").click();
  await page.setViewportSize(TALL);
  await take(page, "split");
  await card.getByRole("button", { name: "Play segment 1" }).click();
  await card.locator("video:not(.hidden)").evaluate((element) => {
    const media = element as unknown as { currentTime: number; pause(): void; onseeked: () => void };
    return new Promise<void>((done) => {
      media.pause();
      media.onseeked = done;
      media.currentTime = 2;
    });
  });
  await page.emulateMedia({ colorScheme: "dark" });
  await take(page, "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await card.getByRole("button", { name: "Close" }).click();
  await page.setViewportSize(PHONE);
  await take(page, "phone");
  await page.setViewportSize(DESKTOP);

  const fake = join(folder, "minutes.mp4");
  await writeFile(fake, "The meeting began at nine.");
  await dropFile(page, fake, basename(fake));
  await page.getByText("NotMedia").waitFor();
  await take(page, "rejected");
  await page.getByRole("tab", { name: "Events" }).click();
  await page.getByLabel("Begin with").selectOption("Each end of a split");
  await page.getByText("EventBridge takes this pattern").waitFor();
  await page.getByText("Make it a rule").click();
  await page.locator(".events summary").first().click();
  await page.locator(".json").waitFor();
  await take(page, "events");
}

const chromium = findChromium();
if (chromium === undefined) throw new Error("There is no chromium on the PATH");
const folder = await mkdtemp(join(tmpdir(), "video-split-screenshots-"));
try {
  await mkdir(values.out, { recursive: true });
  const video = positionals[0] === undefined ? await makeVideo(folder) : resolve(positionals[0]);
  const opened = await openConsoleStack(join(folder, "state"), { isBroken: false });
  const browser = await openChromium(chromium, folder);
  try {
    const page = await browser.newPage({ viewport: DESKTOP });
    page.setDefaultTimeout(TIMEOUT_MS);
    await page.goto(opened.address);
    await takeAll(page, video, folder);
  } finally {
    await browser.close();
    await opened.stack.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
