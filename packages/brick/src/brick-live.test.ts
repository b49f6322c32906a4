// The stock client is the judge: what it does on our brick is compared with what it does on
// glusterfsd's, and what is on the disk afterwards, too.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { askBrick, startBrick } from "./index.ts";
import { LiveBrick, missingForLive, run, until, withBrick } from "./live.fixture.ts";

const reason = missingForLive();
const options = { timeout: 180_000, ...(reason === undefined ? {} : { skip: reason }) };
const port = 21_000 + (process.pid % 10_000) * 2;
const testdata = (name: string): string =>
  fileURLToPath(new URL(`../testdata/${name}`, import.meta.url));

/**
 * Where we are closer to POSIX than glusterfsd 10: its chown takes the set-user-ID bit of a new
 * file away, and it cannot fchmod a file that has lost its name.
 */
const BETTER = /^(facts of special|open and unlinked):/;

async function cases(brick: LiveBrick, directory: string): Promise<string[]> {
  const path = join(brick.mountPoint, directory);
  await run("mkdir", [path]);
  return (await run("python3", [testdata("posix-cases.py"), path])).split("\n");
}

const MOUNTS = [["plainly", []], ["with ACLs, checked by the brick", ["--acl"]]] as const;
for (const [how, mountOptions] of MOUNTS) {
  test(`every call has the outcome that it has on glusterfsd, mounted ${how}`, options, () =>
    withBrick("cases", port, async (brick) => {
      await brick.startStock();
      await brick.mount(mountOptions);
      const expected = await cases(brick, "stock");
      await brick.unmount();
      await brick.stop();
      await brick.startOurs();
      await brick.mount(mountOptions);
      const found = await cases(brick, "ours");
      assert.ok(expected.length > 250, `${expected.length} cases`);
      const kept = (lines: string[]): string[] => lines.filter((line) => !BETTER.test(line));
      assert.deepEqual(kept(found), kept(expected));
      const better = found.filter((line) => BETTER.test(line));
      assert.deepEqual(better, [
        "facts of special: 0o107755 0:0 links 1 size 0 dev 0:0",
        "open and unlinked: (b'before af', 0, '0o100600')",
      ]);
    }));
}

const disk = "the same calls leave the same tree, handles and attributes on the disk";
test(disk, options, () => withBrick("disk", port, async (brick) => {
  const make = async (name: string): Promise<void> => {
    const path = join(brick.mountPoint, name);
    await run("sh", ["-c", `
      set -e; mkdir ${path}; cd ${path}; echo hello > file; ln file second; ln -s file symbolic
      mkdir dir; mkdir dir/inner; echo x > dir/inner/deep; mv dir/inner dir/moved
      mkfifo fifo; mknod device c 1 3; setfattr -n user.a -v 1 file; mv file renamed
      echo gone > gone; rm gone; mkdir empty; rmdir empty; chmod 4755 renamed; touch dir/touched
      mv dir/touched dir/moved/touched; echo over > over; echo t > target; mv over target`]);
  };
  await brick.startStock();
  await brick.mount();
  await make("stock");
  await brick.unmount();
  await brick.stop();
  await brick.startOurs();
  await brick.mount();
  await make("ours");
  const expected = await run("python3", [testdata("brick-facts.py"), brick.path, "stock"]);
  const found = await run("python3", [testdata("brick-facts.py"), brick.path, "ours"]);
  assert.ok(expected.split("\n").length > 12, expected);
  assert.equal(found, expected);

  // And back: glusterfsd serves what we made.
  await brick.unmount();
  await brick.stop();
  await brick.startStock();
  await brick.mount();
  const listing = async (name: string): Promise<string> =>
    run("sh", ["-c", `cd ${brick.mountPoint}/${name}; find . -printf '%p %y %m %s %n\\n' | sort;
      cat second renamed dir/moved/deep; getfattr -d renamed`]);
  assert.equal(await listing("ours"), await listing("stock"));
}));

const killed = "a brick that is killed under load and started again loses and mixes up nothing";
test(killed, options, () => withBrick("kill", port, async (brick) => {
  await brick.startOurs();
  await brick.mount();
  const words = [testdata("verified-load.py"), brick.mountPoint, "9", "8", "21"];
  const load = spawn("timeout", ["60", "python3", ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  load.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => load.once("close", resolve));
  for (let kills = 0; kills < 2; kills++) {
    await delay(2000);
    await brick.kill();
    await brick.startOurs();
  }
  assert.equal(await ended, 0, output);
  const said = output.matchAll(/verified (\d+) files/g);
  const verified = Array.from(said, ([, count]) => Number(count));
  assert.equal(verified.length, 8, output);
  assert.ok(verified.every((count) => count > 20), output);
}));

/** A child that says what it has reached, line by line. */
function python(script: string, ...words: string[]) {
  const child = spawn("timeout", ["60", "python3", "-uc", script, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return { child, said: (text: string) => output.includes(text) };
}

const LOCKER = `
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
if sys.argv[2] == "flock": fcntl.flock(fd, fcntl.LOCK_EX)
else: fcntl.lockf(fd, fcntl.LOCK_EX, 100, 50)
print("locked")
time.sleep(float(sys.argv[3]))
os.close(fd)
print("closed")
time.sleep(30)`;

const locks = "a lock of one client keeps another waiting until it is released, or its client dies";
test(locks, options, () => withBrick("locks", port, async (brick) => {
  await brick.startOurs();
  await brick.mount();
  const second = join(brick.directory, "second");
  await brick.mountAt(second);
  for (const kind of ["flock", "lockf"]) {
    const holder = python(LOCKER, join(second, kind), kind, "1.5");
    await until("the first lock", () => holder.said("locked"));
    const waiter = python(LOCKER, join(brick.mountPoint, kind), kind, "0");
    await delay(700);
    assert.ok(!waiter.said("locked"), `${kind} waits`);
    await until("the second lock", () => waiter.said("locked"));
    await until("the end of the first", () => holder.said("closed"));
    holder.child.kill();
    waiter.child.kill();
  }
  const holder = python(LOCKER, join(second, "death"), "flock", "30");
  await until("the lock", () => holder.said("locked"));
  const waiter = python(LOCKER, join(brick.mountPoint, "death"), "flock", "0");
  await delay(500);
  assert.ok(!waiter.said("locked"));
  await brick.killClient(second);
  await until("the dead client's lock", () => waiter.said("locked"));
  holder.child.kill();
  waiter.child.kill();
}));

const barrier = "under the barrier an unlink is done, but not answered before it falls";
test(barrier, options, () => withBrick("barrier", port, async (brick) => {
  await brick.startOurs();
  await brick.mount();
  await run("touch", [join(brick.mountPoint, "file")]);
  const { controlSocket } = brick.spec;
  assert.equal(await askBrick(controlSocket, { command: "barrier-raise" }), true);
  const script = "import os, sys; os.unlink(sys.argv[1]); print('unlinked')";
  const remover = python(script, join(brick.mountPoint, "file"));
  await until("the name to go", () => !existsSync(join(brick.path, "file")));
  await delay(300);
  assert.ok(!remover.said("unlinked"));
  await run("stat", [brick.mountPoint]);
  assert.equal(await askBrick(controlSocket, { command: "barrier-lower" }), 1);
  await until("the answer", () => remover.said("unlinked"));
  const { cumulative } = (await askBrick(controlSocket, { command: "profile" })) as {
    cumulative: { fops: { name: string; count: number }[] };
  };
  assert.equal(cumulative.fops.find(({ name }) => name === "UNLINK")?.count, 1);
}));

const stranger = "a second server of the directory, and a client without a login, are refused";
test(stranger, options, () => withBrick("stranger", port, async (brick) => {
  await brick.startOurs();
  const again = { ...brick.spec, port: port + 1, controlSocket: join(brick.directory, "other") };
  const log = join(brick.directory, "second.log");
  await assert.rejects(startBrick(again, log), /did not start/);
  assert.match(readFileSync(log, "utf8"), /another brick server has it/);
  const file = join(brick.directory, "client.vol");
  const volfile = readFileSync(file, "utf8");
  writeFileSync(file, volfile.replace(/option password .*/, "option password wrong"));
  await assert.rejects(brick.mount());
  assert.match(readFileSync(join(brick.directory, "client.log"), "utf8"), /Authentication failed/);
  await brick.unmount();
  writeFileSync(file, volfile);
  await brick.mount();
}));

const random = "eight readers of a file that is not cached get the right bytes";
test(random, options, () => withBrick("read", port, async (brick) => {
  await brick.startOurs();
  await brick.mount();
  const result = await run("python3", [testdata("random-reads.py"), brick.mountPoint, "60", "8"]);
  assert.match(result, /^8 readers: 4000 reads, 0 wrong/);
}));
