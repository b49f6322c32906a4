import assert from "node:assert/strict";
import { test } from "node:test";
import { type GfapiEntry, type GfapiStat, LinuxError } from "@mortar/linux";
import { namesOf } from "./browse-path.ts";
import { restoreTree, type RestoreTreeOptions } from "./restore-tree.ts";

interface Thing {
  readonly mode: number;
  content?: string;
  readonly children?: Record<string, Thing>;
}

const FILE = 0o100644;
const DIRECTORY = 0o040755;
const LINK = 0o120777;
const SOCKET = 0o140755;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function statOf({ mode, content = "" }: Thing): GfapiStat {
  return {
    mode, size: content.length, uid: 7, gid: 8, nlink: 1, rdevMajor: 0, rdevMinor: 0, blksize: 1,
    blocks: 0, atime: 1, atimeNsec: 2, mtime: 3, mtimeNsec: 4, ctime: 5, ctimeNsec: 6,
  };
}

/** A gfid is a number in one byte: the place in a list. */
function snapshotOf(root: Thing): RestoreTreeOptions["source"] {
  const things: Thing[] = [root];
  const idOf = (thing: Thing): Uint8Array => {
    if (!things.includes(thing)) things.push(thing);
    return Uint8Array.of(things.indexOf(thing));
  };
  const at = (gfid: Uint8Array): Thing => things[gfid[0]!]!;
  const listings: GfapiEntry[][] = [];
  return {
    stat: (gfid) => statOf(at(gfid)),
    lookup: () => assert.fail("all is told by the listing"),
    read: (gfid, offset, size) => bytesOf(at(gfid).content ?? "").subarray(offset, offset + size),
    readlink: (gfid) => bytesOf(at(gfid).content ?? ""),
    getXattr: (_gfid, name) => bytesOf(name === undefined ? "user.k\0trusted.gfid\0" : "v"),
    openDirectory: (gfid) => listings.push(
      Object.entries(at(gfid).children ?? {}).map(([name, it]) => ({
        name: bytesOf(name), type: 0, found: { gfid: idOf(it), stat: statOf(it) },
      })),
    ) - 1,
    list: (fd, countMax) => listings[fd]!.splice(0, countMax),
    closeDirectory: () => undefined,
  };
}

class Live {
  readonly things = new Map<string, Thing>([["/", { mode: DIRECTORY }]]);
  readonly log: string[] = [];
  failOn = "";
  readonly #open: string[] = [];

  has(paths: Record<string, Thing>): this {
    for (const [path, thing] of Object.entries(paths)) this.things.set(path, thing);
    return this;
  }

  get target(): RestoreTreeOptions["target"] {
    const note = (text: string): void => {
      this.log.push(text);
      if (this.failOn !== "" && text.startsWith(this.failOn)) throw new LinuxError(text, "v", 28);
    };
    return {
      lstat: (path) => {
        const thing = this.things.get(path);
        return thing && statOf(thing);
      },
      create: (path, mode) => {
        note(`create ${path}`);
        this.things.set(path, { mode: 0o100000 | mode, content: "" });
        return this.#open.push(path) - 1;
      },
      write: (fd, bytes) => {
        note("write");
        this.things.get(this.#open[fd]!)!.content += new TextDecoder().decode(bytes);
      },
      truncate: (_fd, length) => note(`truncate ${length}`),
      sync: () => note("sync"),
      closeFile: () => note("close"),
      syncDirectory: (path) => note(`sync ${path}`),
      rename: (from, to) => {
        note(`rename ${to}`);
        this.things.set(to, this.things.get(from)!);
        this.things.delete(from);
      },
      unlink: (path) => void this.things.delete(path),
      mkdir: (path) => void this.things.set(path, { mode: DIRECTORY }),
      symlink: (content, path) => void this.things.set(path, { mode: LINK, content }),
      mknod: (path, mode) => void this.things.set(path, { mode }),
      chown: () => note("chown"),
      chmod: () => note("chmod"),
      setTimes: () => note("times"),
      setXattr: (_path, name) => note(`xattr ${name}`),
    };
  }
}

const tree: Thing = {
  mode: DIRECTORY,
  children: {
    a: { mode: FILE, content: "text" }, link: { mode: LINK, content: "a" },
    deep: { mode: DIRECTORY, children: { b: { mode: FILE, content: "" } } },
    sock: { mode: SOCKET },
  },
};

function restore(live: Live, from: Thing, to: string, choice: Partial<RestoreTreeOptions> = {}) {
  return restoreTree({
    source: snapshotOf(from), target: live.target, gfid: Uint8Array.of(0), to, replace: false,
    dryRun: false, mark: "m", ...choice,
  });
}

test("a folder comes back whole, and what is nothing without its process is told", () => {
  const live = new Live();
  const done = restore(live, tree, "/d");
  assert.deepEqual(
    { ...done, skipped: done.skipped.length },
    { target: "/d", files: 2, directories: 2, links: 1, bytes: 4, replaced: 0, skipped: 1 },
  );
  assert.deepEqual([...live.things.keys()].sort(), ["/", "/d", "/d/a", "/d/deep", "/d/deep/b", "/d/link"]);
  assert.equal(live.things.get("/d/a")?.content, "text");
});

test("counting changes nothing, and counts the same", () => {
  const live = new Live();
  assert.deepEqual(restore(live, tree, "/d", { dryRun: true }), restore(new Live(), tree, "/d"));
  assert.deepEqual([...live.things.keys()], ["/"]);
  assert.deepEqual(live.log, []);
});

test("a file has its name only when it is on the disks, with the owner before the mode", () => {
  const live = new Live();
  restore(live, tree.children!["a"]!, "/a");
  assert.deepEqual(live.log, [
    "create /.mortar-restore-m", "write", "truncate 4", "chown", "chmod", "xattr user.k", "times",
    "sync", "close", "rename /a", "sync /",
  ]);
});

test("what fails leaves nothing half done", () => {
  for (const failOn of ["write", "chown", "sync", "rename"]) {
    const live = new Live().has({ "/a": { mode: FILE, content: "old" } });
    live.failOn = failOn;
    assert.throws(() => restore(live, tree.children!["a"]!, "/a", { replace: true }), /write|chown|sync|rename/);
    assert.deepEqual([...live.things.keys()], ["/", "/a"], failOn);
    assert.equal(live.things.get("/a")?.content, "old");
  }
});

test("what is there is replaced only when that was said, and never by another kind", () => {
  const live = new Live().has({ "/a": { mode: FILE, content: "old" }, "/b": { mode: DIRECTORY } });
  const file = tree.children!["a"]!;
  assert.throws(() => restore(live, file, "/a"), /allow it to be replaced/);
  assert.throws(() => restore(live, file, "/b", { replace: true }), /is a directory in the volume/);
  assert.equal(restore(live, file, "/a", { replace: true }).replaced, 1);
  assert.equal(live.things.get("/a")?.content, "text");
});

test("no symbolic link is followed on the way, and no path leads up", () => {
  const live = new Live().has({ "/l": { mode: LINK, content: "/" } });
  assert.throws(() => restore(live, tree, "/l/d"), /no directory of the volume/);
  assert.throws(() => restore(live, tree, "/none/d"), /is not in the volume/);
  for (const path of ["a", "", "/../a", "/a/./b", "/a\0b", `/${"x".repeat(256)}`, `/${"x/".repeat(3000)}`]) {
    assert.throws(() => namesOf(path), { name: "BrowseError", errno: 22 }, path.slice(0, 20));
  }
  assert.deepEqual(namesOf("//a//b/"), ["a", "b"]);
});
