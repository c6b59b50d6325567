import { join } from "node:path";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { CDPSession, Page } from "playwright-core";
import { LOCAL_CREDENTIALS } from "../../infra/local/names.ts";
import { putEvents, runOf } from "../fixtures/announcing.ts";
import { findChromium, openChromium, openConsoleStack } from "../fixtures/console.ts";
import { type Row, report } from "./report.ts";

/** Frames in which the list is scrolled from its start to its end. */
const SCROLL_FRAMES = 300;

type Metrics = { task: number; script: number; layout: number; heap: number; nodes: number };

async function metricsOf(session: CDPSession): Promise<Metrics> {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const figure = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return {
    task: figure("TaskDuration"),
    script: figure("ScriptDuration"),
    layout: figure("LayoutDuration") + figure("RecalcStyleDuration"),
    heap: figure("JSHeapUsedSize"),
    nodes: figure("Nodes"),
  };
}

const milliseconds = (seconds: number): number => Math.round(seconds * 1_000);

/** What the page's main thread did between two measurements, and what it holds after. */
const rowOf = (step: string, wallMs: number, before: Metrics, after: Metrics): Row => ({
  step,
  "ms by the clock": Math.round(wallMs),
  "CPU ms of the main thread": milliseconds(after.task - before.task),
  "of that, script": milliseconds(after.script - before.script),
  "of that, layout": milliseconds(after.layout - before.layout),
  "heap in MB": Math.round(after.heap / 1e5) / 10,
  "DOM nodes": after.nodes,
});

/** Scrolls the list through, a step in each frame. Returns the times between frames in milliseconds. */
const scrollThrough = (page: Page): Promise<number[]> =>
  page.evaluate<number[]>(`(async () => {
    const list = document.querySelector(".segments");
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    let last = await frame();
    for (let step = 1; step <= ${SCROLL_FRAMES}; step += 1) {
      list.scrollTop = (list.scrollHeight * step) / ${SCROLL_FRAMES};
      const now = await frame();
      times.push(now - last);
      last = now;
    }
    return times;
  })()`);

const share = (times: readonly number[], limit: number): string =>
  `${((times.filter((time) => time > limit).length / times.length) * 100).toFixed(1)} %`;

/** Measures the console's page with a video of so many segments: loaded, scrolled, and as events come in. */
export async function benchConsole(segments: number, folder: string): Promise<void> {
  const chromium = findChromium();
  if (chromium === undefined) throw new Error("There is no chromium on the PATH");
  const opened = await openConsoleStack(join(folder, "state"), { isBroken: false });
  const { stack } = opened;
  const events = new EventBridgeClient({
    endpoint: stack.endpoint,
    region: stack.region,
    credentials: LOCAL_CREDENTIALS,
  });
  const browser = await openChromium(chromium, folder);
  try {
    await putEvents({ events, stack }, runOf(1, segments));
    const page = await browser.newPage({ viewport: { width: 1_000, height: 900 } });
    const session = await page.context().newCDPSession(page);
    // Processor time of the page's thread: other work of the machine doesn't count.
    await session.send("Performance.enable", { timeDomain: "threadTicks" } as object);
    const rows: Row[] = [];
    const measure = async (step: string, work: () => Promise<unknown>): Promise<void> => {
      const before = await metricsOf(session);
      const begun = performance.now();
      await work();
      const wallMs = performance.now() - begun;
      rows.push(rowOf(step, wallMs, before, await metricsOf(session)));
    };
    const last = page.getByLabel(`Timeline of ${segments} segments`);
    await measure("until the first segment can be played", async () => {
      await page.goto(opened.address);
      await page.getByRole("button", { name: "Play segment 0" }).waitFor();
    });
    await measure("until all are on the timeline", () => last.waitFor());
    let times: number[] = [];
    await measure(`scrolled through in ${SCROLL_FRAMES} frames`, async () => {
      times = await scrollThrough(page);
    });
    const rowsInPage = await page.locator(".segments li").count();
    await measure(`events of ${segments} more segments, as they come in`, () =>
      putEvents({ events, stack }, runOf(2, segments)),
    );
    await report("console", rows, false);
    const sorted = times.toSorted((one, other) => one - other);
    process.stdout.write(
      `frames while scrolling: median ${sorted[SCROLL_FRAMES / 2]?.toFixed(1)} ms, longest ${sorted.at(-1)?.toFixed(1)} ms, ` +
        `longer than 34 ms: ${share(times, 34)}; ${rowsInPage} of ${segments} segments have elements\n`,
    );
  } finally {
    await browser.close();
    events.destroy();
    await stack.close();
  }
}
