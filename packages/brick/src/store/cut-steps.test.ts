// Every operation on names is cut before each of its steps, as kill -9 does. The next start must
// find it whole or absent, and nothing left over.
import assert from "node:assert/strict";
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fops, NO_DICTIONARY } from "@mortar/gluster";
import { getXattr } from "@mortar/linux";
import { gfidOf, InProcessBrick, inProcessSkip, ROOT, wanted } from "../in-process.fixture.ts";
import { gfidText } from "./handle-path.ts";
import { calls } from "./scratch.ts";

class Cut extends Error {}

const STEPS = [
  "linkat", "renameat2", "mkdirat", "mknodat", "symlinkat", "unlinkat", "fsetxattr", "lsetxattr",
  "fremovexattr", "lremovexattr", "fchown", "fchownat", "fchmod", "fchmodat",
] as const;

/** Runs until the step of that number would be taken; false when there are not so many. */
function cutBefore(step: number, perform: () => unknown): boolean {
  const kept = STEPS.map((name) => calls[name]);
  let taken = 0;
  STEPS.forEach((name, index) => {
    const real = kept[index] as (...args: number[]) => number;
    (calls as unknown as Record<string, unknown>)[name] = (...args: number[]) => {
      if (taken++ === step) throw new Cut();
      return real(...args);
    };
  });
  try {
    perform();
    return false;
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
    return true;
  } finally {
    STEPS.forEach((name, index) => {
      (calls as unknown as Record<string, unknown>)[name] = kept[index];
    });
  }
}

const FILE = gfidOf(1);
const OTHER = gfidOf(2);
const DIRECTORY = gfidOf(3);
const EMPTY = gfidOf(4);
const NEW = gfidOf(9);
const INNER = gfidOf(5);

function prepare(brick: InProcessBrick): void {
  brick.create(ROOT, "file", FILE);
  brick.create(ROOT, "other", OTHER);
  brick.mkdir(ROOT, "dir", DIRECTORY);
  brick.create(DIRECTORY, "inner", INNER);
  brick.mkdir(ROOT, "empty", EMPTY);
  // Nobody has anything open.
  brick.restart();
}

const name = (text: string) => Buffer.from(text);
const xdata = NO_DICTIONARY;
type Operation = (brick: InProcessBrick) => unknown;
const rename = (oldName: string, newParent: Uint8Array, newName: string): Operation => (brick) =>
  brick.ask(fops.rename, {
    oldParent: ROOT, newParent, oldName: name(oldName), newName: name(newName), xdata,
  });

const OPERATIONS: Readonly<Record<string, Operation>> = {
  create: (brick) => brick.create(ROOT, "new", NEW, 0o104755),
  mkdir: (brick) => brick.mkdir(ROOT, "new", NEW),
  mknod: (brick) => brick.ask(fops.mknod, {
    parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o010640, umask: 0, name: name("new"),
    xdata: wanted(NEW),
  }),
  "mknod of a file": (brick) => brick.ask(fops.mknod, {
    parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o104755, umask: 0, name: name("new"),
    xdata: wanted(NEW),
  }),
  symlink: (brick) => brick.ask(fops.symlink, {
    parent: ROOT, name: name("new"), umask: 0, target: name("file"), xdata: wanted(NEW),
  }),
  link: (brick) => brick.ask(fops.link, {
    gfid: FILE, newParent: DIRECTORY, newName: name("new"), xdata,
  }),
  unlink: (brick) => brick.ask(fops.unlink, { parent: ROOT, name: name("file"), flags: 0, xdata }),
  rmdir: (brick) => brick.ask(fops.rmdir, { parent: ROOT, flags: 0, name: name("empty"), xdata }),
  "rmdir of all": (brick) =>
    brick.ask(fops.rmdir, { parent: ROOT, flags: 1, name: name("dir"), xdata }),
  "rename of a file": rename("file", DIRECTORY, "new"),
  "rename over a file": rename("file", ROOT, "other"),
  "rename of a directory": rename("dir", EMPTY, "new"),
  "rename over a directory": rename("dir", ROOT, "empty"),
};

/** All that can be seen from outside: what a client finds by going through the names. */
function walk(
  brick: InProcessBrick, gfid: Uint8Array, path: string, seen: Map<string, string>,
): void {
  const disk = join(brick.path, path);
  for (const entry of readdirSync(disk).sort()) {
    if (path === "" && entry === ".glusterfs") continue;
    const reply = brick.lookup(gfid, entry);
    assert.equal(reply.opRet, 0, `${path}/${entry} is found`);
    const { before } = reply;
    const text = gfidText(before.gfid);
    seen.set(`${path}/${entry}`, `${text} ${before.mode.toString(8)} ${before.uid}`);
    const byGfid = brick.stat(before.gfid);
    assert.equal(byGfid.opRet, 0, `${path}/${entry} is reached by its gfid`);
    checkDisk(brick, `${path}/${entry}`, text);
    if ((before.mode & 0o170000) === 0o040000) walk(brick, before.gfid, `${path}/${entry}`, seen);
  }
}

/** The handle is what it has to be. */
function checkDisk(brick: InProcessBrick, path: string, text: string): void {
  const disk = join(brick.path, path);
  const handle = join(brick.path, ".glusterfs", text.slice(0, 2), text.slice(2, 4), text);
  const stat = lstatSync(disk);
  if (stat.isDirectory()) {
    const parent = gfidText(getXattr(join(disk, ".."), "trusted.gfid")!);
    const base = path.split("/").pop()!;
    const expected = `../../${parent.slice(0, 2)}/${parent.slice(2, 4)}/${parent}/${base}`;
    assert.equal(readlinkSync(handle), expected);
  } else {
    assert.equal(lstatSync(handle).ino, stat.ino, `${path} has its handle`);
  }
}

/** Every handle is of something that has a name, and nothing lies in the side directories. */
function checkNoOrphans(brick: InProcessBrick, seen: Map<string, string>): void {
  const glusterfs = join(brick.path, ".glusterfs");
  const known = new Set([...seen.values()].map((line) => line.slice(0, 36)));
  for (const first of readdirSync(glusterfs).filter((each) => each.length === 2)) {
    for (const second of readdirSync(join(glusterfs, first))) {
      for (const text of readdirSync(join(glusterfs, first, second))) {
        if (text === gfidText(ROOT)) continue;
        assert.ok(known.has(text), `handle ${text} is of something`);
      }
    }
  }
  assert.deepEqual(readdirSync(join(glusterfs, "landfill")), []);
  assert.deepEqual(readdirSync(join(glusterfs, "unlink")), []);
}

function everything(brick: InProcessBrick): Map<string, string> {
  const seen = new Map<string, string>();
  walk(brick, ROOT, "", seen);
  checkNoOrphans(brick, seen);
  return seen;
}

/** Run on a brick of its own. */
function outcome(act: (brick: InProcessBrick) => void): Map<string, string> {
  const brick = new InProcessBrick();
  process.umask(0);
  try {
    prepare(brick);
    act(brick);
    brick.restart();
    return everything(brick);
  } finally {
    brick.remove();
  }
}

for (const [title, operation] of Object.entries(OPERATIONS)) {
  test(`${title} is whole or absent when it is cut at any step`, inProcessSkip, () => {
    const absent = outcome(() => undefined);
    const whole = outcome((brick) => {
      const reply = operation(brick) as { opRet: number; opErrno: number };
      assert.equal(reply.opRet, 0, `errno ${reply.opErrno}`);
    });
    assert.notDeepEqual(whole, absent);
    const outcomes = { absent: 0, whole: 0 };
    for (let step = 0; ; step++) {
      let wasCut = false;
      const found = outcome((brick) => {
        wasCut = cutBefore(step, () => operation(brick));
      });
      if (!wasCut) break;
      const isWhole = found.size === whole.size &&
        [...whole].every(([path, line]) => found.get(path) === line);
      if (!isWhole) assert.deepEqual(found, absent, `cut before step ${step}`);
      outcomes[isWhole ? "whole" : "absent"]++;
    }
    assert.ok(outcomes.absent > 0);
    assert.ok(outcomes.absent + outcomes.whole >= 2);
  });
}
