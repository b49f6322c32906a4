// The page while something is wrong: a pool that fills up, a node that is away. A real Chromium, three real nodes; what is
// done to snapshots, files and schedules goes on all the same, by the page alone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "./live-node.ts";
import { PageCluster, skipPageCluster as skip } from "./page-cluster.ts";

const options = { skip, timeout: 400_000 };
const cluster = new PageCluster("x");
const { web } = cluster;
const on = (line: string): Promise<string> => cluster.ok(1, line);

before(async () => {
  if (skip !== false) return;
  await cluster.make();
  await on('mortar snapshot schedule add nightly "hourly 2" media');
  await web.signIn(await cluster.tokenOf("ann", "admin"));
  await web.sees("Where everything is");
}, { timeout: 600_000 });

after(() => cluster.close());

/** Taken first while the pool fills. */
const full = "full-0";

/** What is done to a snapshot and to files, by the page alone; whatever else goes on. */
async function everyAction(when: string): Promise<void> {
  await web.go(`volumes/media?snapshot=${full}`);
  await web.press("Hold…");
  await web.page.getByLabel("Why").fill(when);
  await web.page.getByLabel("Whose hold it is").fill("audit");
  await web.confirm("Hold");
  await web.press("Release…");
  await web.confirm("Release");
  await web.go(`snapshots/${full}/files?volume=media&path=%2Fprojects%2Flens`);
  await web.follow("notes.txt");
  await web.sees(/^first\n?$/);
  await web.press("Restore… notes.txt");
  await web.page.getByLabel(/Replace files/).check();
  await web.confirm("Restore");
  await web.go("schedules/nightly");
  await web.page.getByLabel("hourly").fill(when === "full" ? "3" : "4");
  await web.press("Save…");
  await web.confirm("Save schedule");
  await web.go("compare?volume=media");
  await web.go("logs");
  await web.page.locator(".log li").first().waitFor();
  await web.go("activity");
  await web.page.locator(".log li").first().waitFor();
}

/** Percent of the fullest pool of node 1. */
async function poolPercent(): Promise<number> {
  const text = await on("lvs --noheadings -o lv_attr,data_percent");
  return Math.max(...[...text.matchAll(/^ *t\S+ +([\d.]+)/gm)].map(([, percent]) => Number(percent)));
}

test("a pool that fills up is told of, with what to type; all goes on", options, async () => {
  // What is written over while a snapshot has it takes as much again. The pool is extended once on its way; above the
  // threshold no snapshot is taken.
  let percent = 0;
  for (let round = 0; round < 20 && percent < 80; round += 1) {
    await on(`mortar snapshot create full-${round} media no-timestamp`);
    await on("dd if=/dev/urandom of=media/filler bs=1M count=90 conv=notrunc,fsync status=none");
    percent = await poolPercent();
  }
  assert.ok(percent >= 80, `the pool is ${percent} % full`);
  await web.go("");
  await until("the page tells of it", async () =>
    (await web.page.getByText(/The pool .* is \d+ % full/).count()) > 0, 120);
  await web.sees(/^lvextend /);
  await web.look("filling");
  await everyAction("full");
});

test("a node that is away is told of; what is left goes on, and the page stays", options, async () => {
  await cluster.kill(3);
  await web.go("");
  await until("the page tells of it", async () =>
    (await web.page.getByText(/The node .* does not answer/).count()) > 0, 120);
  await web.sees("out of reach");
  await web.look("node-away");
  await web.go("volumes/media");
  await web.sees(/of 3 bricks offline/);
  await everyAction("away");
  await cluster.run(3, "mortar up", 180);
  await web.go("");
  await until("all answer again", async () =>
    (await web.page.getByText(/The node .* does not answer/).count()) === 0, 180);
  // It could not be while the node was away.
  await until("the snapshot that was looked into is let go", async () =>
    !(await on(`mortar snapshot info ${full} --json`)).includes('"Started"'), 120);
});

test("the page had no failure of its own", options, () => {
  assert.deepEqual(web.failures, []);
});
