/**
 * The web page in a real Chromium, before three real nodes with 100 volumes and 1,000 snapshots, while ten clients follow
 * the stream of events and volumes are made and deleted.
 *
 * What is there is copied (`cluster-copies`): one volume of three copies runs and has real snapshots; the other volumes are
 * not started, and their snapshots not activated. 250 snapshots are of one volume, as many as a volume may have.
 *
 * An interaction is a key, or a click, of the browser's own input: its time goes from the input to the next picture that
 * shows what came of it (Event Timing). The longest of each place is told. `peer` is what is allowed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { followEvents } from "../packages/api/dist/index.js";
import { WebPage } from "../tests/dist/web-page.js";
import { ClusterStand } from "./cluster-stand.mjs";
import { multiply } from "./cluster-copies.mjs";
import { row } from "./rows.mjs";

const ALLOWED_MS = 100;
const ALLOWED_MIB = 200;
const FOLLOWERS = 10;
const CROWD = 250;
const SETTLE_MS = 1_500;
const REST_MS = 10_000;
const BUSY_PAUSE_MS = 2_000;
const PORT = 24_900 + (process.pid % 90);

/** Counts what the browser says of inputs; shorter ones than 16 ms it does not tell. */
const observe = `(() => {
  globalThis.longest = 0; globalThis.inputs = 0;
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries()) {
      if (!interactionId) continue;
      globalThis.inputs += 1;
      globalThis.longest = Math.max(globalThis.longest, duration);
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
})()`;

export async function rows() {
  const stand = new ClusterStand();
  const pictures = mkdtempSync(join(tmpdir(), "page-bench-"));
  const web = new WebPage(`http://${stand.hosts[0]}:${PORT}/`, pictures);
  const end = new AbortController();
  try {
    serveThePage(stand);
    await stand.start();
    await stand.replica("v");
    await stand.ask((client) => client.snapshotCreate({ name: "s", volume: "v", timestamp: false }));
    await multiply(stand, { crowd: CROWD });
    const { token } = await stand.ask((client) => client.tokenCreate({ name: "bench", role: "admin" }));
    const heard = Array.from({ length: FOLLOWERS }, () => follow({ url: `http://${stand.hosts[0]}:${PORT}`, token }, end.signal));
    await web.open();
    await web.page.evaluate(observe);
    await web.signIn(token);
    await web.sees("Where everything is");
    await delay(REST_MS);
    const busy = keepBusy(stand, end.signal).catch((error) => error);
    const found = await interactions(web);
    const memoryMiB = Math.max(...stand.mortards().map(residentMiB));
    end.abort();
    const failure = await busy;
    if (failure !== undefined) throw failure;
    if (heard.some(({ count }) => count === 0)) throw new Error("a client of the event stream heard nothing");
    return [...found, row({
      work: `page: memory of the largest mortard, ${FOLLOWERS} streams (peer: allowed)`, unit: "MiB", ours: [memoryMiB],
      peer: [ALLOWED_MIB], higher: false, atLeast: 1, aim: 1.3, note: `${heard[0].count} events to each`,
    })];
  } finally {
    end.abort();
    await web.close();
    await stand.close();
    rmSync(pictures, { recursive: true, force: true });
  }
}

function serveThePage(stand) {
  const directory = join(stand.stateDirectory(1), "../../../etc/mortar");
  mkdirSync(directory, { recursive: true });
  const [address] = stand.hosts;
  writeFileSync(join(directory, "mortar.json"), JSON.stringify({ address, web: { address, port: PORT, plain: true } }));
}

function follow(place, signal) {
  const heard = { count: 0 };
  void (async () => {
    for await (const event of followEvents(place, { signal })) if (event) heard.count += 1;
  })().catch(() => undefined);
  return heard;
}

/** Something happens all the while: the page is told, and asks anew for what it shows. */
async function keepBusy(stand, signal) {
  const [host] = stand.hosts;
  for (let number = 0; !signal.aborted; number += 1) {
    const bricks = [`${host}:${join(stand.stateDirectory(1), `../../../busy${number}`)}`];
    await stand.ask((client) => client.volumeCreate({ name: `busy${number}`, bricks, force: true }));
    await stand.ask((client) => client.volumeDelete(`busy${number}`));
    await delay(BUSY_PAUSE_MS);
  }
}

async function interactions(web) {
  const { page } = web;
  const link = (name) => page.getByRole("navigation", { name: "Places" }).getByRole("link", { name });
  const type = async (text) => {
    for (const letter of text) await page.keyboard.press(letter);
  };
  /** @type {[string, () => Promise<void>][]} */
  const steps = [
    ["the list of volumes, and a filter", async () => {
      await link("Volumes").click();
      await page.getByPlaceholder("Filter").click();
      await type("many99");
      for (let left = 6; left > 0; left -= 1) await page.keyboard.press("Backspace");
    }],
    [`a volume with ${CROWD} snapshots`, async () => {
      await page.getByRole("link", { name: "many0", exact: true }).click();
      await web.sees(/^taken/);
      await page.getByRole("link", { name: /^taken/ }).nth(7).click();
      await page.getByRole("checkbox").nth(3).click();
      await page.getByRole("button", { name: /^Show more/ }).click();
      await page.getByRole("checkbox").nth(90).click();
    }],
    ["the question before a deletion", async () => {
      await page.getByRole("button", { name: /^Delete \d/ }).click();
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
    }],
    ["pools", async () => await link("Pools").click()],
    ["nodes", async () => await link("Nodes").click()],
    ["schedules", async () => await link("Schedules").click()],
    ["tasks and events, and a filter", async () => {
      await link("Activity").click();
      await page.locator(".log li").first().waitFor();
      await page.getByPlaceholder("Filter").click();
      await type("snapshot");
    }],
    ["overview", async () => {
      await link("Overview").click();
      await web.sees("Where everything is");
    }],
  ];
  const found = [];
  for (const [work, act] of steps) {
    await page.evaluate("globalThis.longest = 0; globalThis.inputs = 0");
    await act();
    await page.waitForTimeout(SETTLE_MS);
    const { longest, inputs } = await page.evaluate("({ longest: globalThis.longest, inputs: globalThis.inputs })");
    found.push(row({
      work: `page: ${work} (peer: allowed)`, unit: "ms", ours: [Math.max(longest, 16)], peer: [ALLOWED_MS], higher: false,
      atLeast: 1, aim: 2, note: `${inputs} inputs above 16 ms`,
    }));
  }
  return found;
}

function residentMiB(pid) {
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
  return kib / 1024;
}
