// The page as an operator uses it: a real Chromium, three real nodes. Each test goes on where the one
// before it ended. Pictures of every view are left in MORTAR_PICTURES, when that names a directory.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { followTask, MortarClient } from "@mortar/api";
import { until } from "./live-node.ts";
import { PageCluster, skipPageCluster as skip } from "./page-cluster.ts";

const options = { skip, timeout: 240_000 };
const cluster = new PageCluster("w");
const { web } = cluster;
const images = fileURLToPath(new URL("../../docs/images", import.meta.url));
let admin = "";
let viewer = "";
let first = "";

const snapshots = async (): Promise<string[]> =>
  (await cluster.ok(1, "gluster snapshot list media")).trim().split("\n");
const on = (line: string): Promise<string> => cluster.ok(1, line);

before(async () => {
  if (skip !== false) return;
  await cluster.make();
  admin = await cluster.tokenOf("ann", "admin");
  viewer = await cluster.tokenOf("vera", "viewer");
}, { timeout: 600_000 });

after(() => cluster.close());

test("nobody sees anything without a token, and a wrong one is told", options, async () => {
  await web.look("sign-in");
  await web.signIn("mortar-none");
  // Until it is refused the next one is not asked for.
  await web.sees(/The token is nobody's/);
  assert.equal(await web.page.getByRole("navigation").count(), 0);
  await web.signIn(admin);
  await web.sees("Where everything is");
});

test("the overview tells that all is well, and where everything is", options, async () => {
  await web.sees("Nothing needs you");
  await web.sees("3 copies");
  await web.look("overview");
});

test("a snapshot is taken after it was said what that does", options, async () => {
  await web.go("volumes/media");
  await web.press("Take a snapshot…");
  await web.page.getByLabel("Name", { exact: true }).fill("first");
  await web.dialogText("It takes no space now");
  await web.picture("dialog-create");
  await web.confirm("Take snapshot");
  await web.sees(/^first_GMT-/);
  [first = ""] = await snapshots();
  assert.match(first, /^first_GMT-/);
});

test("it is held, released, activated, deactivated", options, async () => {
  await web.press("Hold…");
  await web.page.getByLabel("Why").fill("case 4711");
  await web.page.getByLabel("Whose hold it is").fill("audit");
  await web.confirm("Hold");
  await web.sees("case 4711");
  assert.match(await on(`mortar snapshot info ${first} --json`), /case 4711/);
  await web.press("Release…");
  await web.confirm("Release");
  await web.press("Activate…");
  await web.confirm("Activate");
  await web.press("Deactivate…");
  await web.dialogText("What happens");
  await web.confirm("Deactivate");
  await web.page.getByRole("button", { name: "Activate…", exact: true }).waitFor();
});

test("a snapshot is browsed, a file of it is shown and downloaded", options, async () => {
  await web.follow("Browse files");
  await web.follow("projects");
  await web.follow("lens");
  await web.follow("notes.txt");
  await web.sees(/^first\n?$/);
  await web.look("files");
  const coming = web.page.waitForEvent("download");
  await web.follow(/^Download/);
  const download = await coming;
  assert.equal(download.suggestedFilename(), "notes.txt");
  assert.equal(readFileSync(await download.path(), "utf8"), "first\n");
});

test("a folder comes back as it was, a file is replaced only when that was said", options, async () => {
  await on("rm -r media/projects/lens && sync -f media");
  await web.go(`snapshots/${first}/files?volume=media&path=%2Fprojects`);
  await web.press("Restore… lens");
  await web.dialogText(/1 file, 1 folder, 1 symbolic link/);
  await web.picture("dialog-restore-folder");
  await web.confirm("Restore");
  const lens = "media/projects/lens";
  assert.equal(await on(`cat ${lens}/notes.txt`), "first\n");
  assert.equal(await on(`stat -c '%a %u:%g' ${lens}/notes.txt`), "640 1234:55\n");
  assert.equal(await on(`getfattr -n user.k --only-values ${lens}/notes.txt`), "w");
  assert.equal(await on(`readlink ${lens}/link`), "notes.txt\n");
  await on(`echo second > ${lens}/notes.txt && sync -f media`);
  await web.go(`snapshots/${first}/files?volume=media&path=%2Fprojects%2Flens`);
  await web.press("Restore… notes.txt");
  await web.dialogText(/allow it to be replaced/);
  await web.page.getByLabel(/Replace files/).check();
  await web.confirm("Restore");
  assert.equal(await on(`cat ${lens}/notes.txt && ls -A ${lens}`), "first\nlink\nnotes.txt\n");
});

test("two moments are compared", options, async () => {
  await on("dd if=/dev/urandom of=media/fresh bs=1M count=4 status=none && sync -f media");
  await web.go(`compare?volume=media&from=${first}&to=live`);
  await web.sees("Where on the bricks");
  await web.look("compare");
});

test("a schedule shows its next runs and what it would prune, is made, changed and run", options, async () => {
  await web.go("schedules/new");
  await web.page.getByLabel(/^Name/).fill("nightly");
  await web.page.getByLabel("media").check();
  await web.page.getByLabel("hourly").fill("2");
  await web.sees("Next runs");
  await web.press("Make schedule…");
  await web.confirm("Make schedule");
  await web.press("Run now…");
  await web.confirm("Run now");
  await web.sees(/^stays: /);
  await web.page.getByLabel(/^When/).fill("30 2 * * *");
  await web.sees(/ 02:30:00$/);
  await web.look("schedule");
  await web.press("Save…");
  await web.confirm("Save schedule");
  assert.match(await on("mortar snapshot schedule list nightly"), /30 2 \* \* \*/);
});

test("a clone is made, and the volume is put back to a snapshot while clients work", options, async () => {
  await web.go(`volumes/media?snapshot=${first}`);
  await web.look("volume");
  const said = web.page.getByRole("button", { name: "Close this message" });
  while ((await said.count()) > 0) await said.first().click();
  // Colours go over from one theme to the other in a moment.
  await web.page.waitForTimeout(500);
  const picture = await web.picture("readme");
  assert.ok(picture.length < 200_000, `the picture has ${picture.length} bytes`);
  // Asked for by who wants pictures: that of the README is made anew.
  if (cluster.isKept) {
    mkdirSync(images, { recursive: true });
    writeFileSync(join(images, "page.png"), picture);
  }
  await web.press("Clone…");
  await web.page.getByLabel("Name of the new volume").fill("copy");
  await web.confirm("Clone");
  await web.page.getByRole("heading", { name: "copy", exact: true }).waitFor();
  await web.go(`volumes/media?snapshot=${first}`);
  await web.press("Restore volume…");
  await web.dialogText("What happens");
  await web.page.getByLabel(/Type the name/).fill("media");
  await web.confirm("Restore volume");
  await until("the old content is there", async () =>
    (await cluster.run(1, "ls media/fresh")).exitCode !== 0);
});

test("snapshots are deleted, after it was told what that frees", options, async () => {
  const present = await snapshots();
  const doomed = present.find((it) => it.startsWith("Scheduled-"));
  await web.go(`volumes/media?snapshot=${doomed}`);
  await web.press("Delete…");
  await web.dialogText(/It frees /);
  await web.picture("dialog-delete");
  await web.confirm("Delete snapshot");
  await until("it is gone", async () => (await snapshots()).join() !== present.join());
});

test("pools, nodes and events are shown, and all places are reached by keys", options, async () => {
  await web.go("pools");
  await web.sees("Metadata");
  await web.look("pools");
  await web.go("nodes");
  await web.sees("Members of the cluster");
  await web.look("nodes");
  await web.go("activity");
  await web.page.locator(".log li").first().waitFor();
  await web.look("activity");
  await web.go("");
  await web.sees("Where everything is");
  await web.page.keyboard.press("Tab");
  await web.page.getByRole("link", { name: "Skip to the content" }).waitFor();
});

test("who may only look is refused, and told so", options, async () => {
  await web.press("Sign out");
  await web.signIn(viewer);
  await web.sees("Where everything is");
  await web.go("volumes/media");
  await web.press("Take a snapshot…");
  await web.page.getByLabel("Name", { exact: true }).fill("never");
  await web.page.getByRole("dialog").getByRole("button", { name: "Take snapshot" }).click();
  await web.dialogText(/viewer/);
  await web.page.keyboard.press("Escape");
  assert.ok(!(await snapshots()).some((it) => it.startsWith("never")));
  await web.press("Sign out");
  await web.signIn(admin);
  // Back where one was.
  await web.sees("Take a snapshot…");
});

test("what takes long is seen with its progress, and cancelled where that can be", options, async () => {
  await web.go("activity");
  const client = new MortarClient({ socketPath: `${cluster.root}/n1/run/mortar/mortard.sock` });
  await on("gluster snapshot create gone media no-timestamp");
  const begun = await client.startTask("snapshotDelete", { params: { snapshot: "gone" } });
  assert.ok(begun.ok);
  const ended = await followTask(client, begun.result.id);
  assert.deepEqual(ended.ok && ended.result.state, "done");
  await web.sees("The snapshot gone is deleted");
  await web.look("tasks");
});

test("logs of every node are read, by program and level", options, async () => {
  await web.go("nodes");
  await web.page.getByRole("link", { name: /^Logs/ }).nth(1).click();
  await web.page.locator(".log li").first().waitFor();
  await web.page.getByLabel("Least level").selectOption("debug");
  await web.page.locator(".log li").first().waitFor();
  await web.look("logs");
});

test("the page had no failure of its own", options, () => {
  assert.deepEqual(web.failures, []);
});
