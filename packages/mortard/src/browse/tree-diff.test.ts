import assert from "node:assert/strict";
import { test } from "node:test";
import type { GfapiStat } from "@mortar/linux";
import type { TreeChange } from "./tree-change.ts";
import { type DiffTree, ROOT, TreeDiff, type TreeEntry } from "./tree-diff.ts";

interface Inode {
  readonly gfid: string;
  mode: number;
  size: number;
  mtime: number;
  ctime: number;
  attributes: string;
  /** Of a directory: names to gfids. */
  readonly children?: Map<string, string>;
}

const DIRECTORY = 0o040755;
const FILE = 0o100644;

/** A file system in memory, that can be copied: a snapshot. */
class Tree {
  readonly inodes: Map<string, Inode>;
  clock: number;
  listed = 0;
  largest = 0;

  constructor(inodes?: Map<string, Inode>, clock = 1) {
    this.inodes = inodes ?? new Map([[ROOT, inode(ROOT, DIRECTORY, 0)]]);
    this.clock = clock;
  }

  copy(): Tree {
    const inodes = [...this.inodes.values()].map((it): [string, Inode] => [
      it.gfid, { ...it, ...(it.children && { children: new Map(it.children) }) },
    ]);
    return new Tree(new Map(inodes), this.clock);
  }

  get(gfid: string): Inode {
    return this.inodes.get(gfid)!;
  }

  add(parent: string, name: string, mode: number): string {
    const gfid = (this.clock += 1).toString().padStart(16, "0");
    this.inodes.set(gfid, inode(gfid, mode, this.clock));
    this.get(parent).children!.set(name, gfid);
    return gfid;
  }

  remove(parent: string, name: string): void {
    const gfid = this.get(parent).children!.get(name)!;
    this.get(parent).children!.delete(name);
    for (const child of this.get(gfid).children?.keys() ?? []) this.remove(gfid, child);
    if (this.linksOf(gfid) === 0) this.inodes.delete(gfid);
  }

  linksOf(gfid: string): number {
    let count = 0;
    for (const { children } of this.inodes.values()) {
      for (const it of children?.values() ?? []) if (it === gfid) count += 1;
    }
    return count;
  }

  /** Path to inode, of all but the root. */
  paths(gfid = ROOT, path = "", into = new Map<string, Inode>()): Map<string, Inode> {
    for (const [name, child] of this.get(gfid).children ?? []) {
      into.set(`${path}/${name}`, this.get(child));
      this.paths(child, `${path}/${name}`, into);
    }
    return into;
  }

  asDiffTree(): DiffTree {
    return {
      list: (gfid) => {
        this.listed += 1;
        const entries = [...this.get(gfid).children!].map(([name, child]): TreeEntry =>
          ({ name, gfid: child, stat: this.stat(child) }));
        this.largest = Math.max(this.largest, entries.length);
        return { next: () => Promise.resolve(entries.length === 0 ? undefined : entries.splice(0, 3)) };
      },
      stat: (gfid) => Promise.resolve(this.inodes.has(gfid) ? this.stat(gfid) : undefined),
      attributes: (gfid) => Promise.resolve(this.inodes.get(gfid)?.attributes ?? ""),
    };
  }

  stat(gfid: string): GfapiStat {
    const { mode, size, mtime, ctime } = this.get(gfid);
    return {
      mode, size, mtime, ctime, nlink: this.linksOf(gfid), uid: 1, gid: 2, rdevMajor: 0, rdevMinor: 0,
      blksize: 1, blocks: 0, atime: 1, atimeNsec: 2, mtimeNsec: 4, ctimeNsec: 6,
    };
  }
}

function inode(gfid: string, mode: number, time: number): Inode {
  const children = mode === DIRECTORY ? { children: new Map<string, string>() } : {};
  return { gfid, mode, size: 0, mtime: time, ctime: time, attributes: "", ...children };
}

async function diffOf(earlier: Tree, later: Tree, options: object = {}): Promise<TreeChange[]> {
  const diff = new TreeDiff({ earlier: earlier.asDiffTree(), later: later.asDiffTree(), ...options });
  const found: TreeChange[] = [];
  for await (const change of diff.changes()) found.push(change);
  return found;
}

const lineOf = ({ change, path, formerPath, parts }: TreeChange): string =>
  [change, ...(formerPath === undefined ? [] : [formerPath]), path, ...parts].join(" ");

/** The same differences, found by comparing all paths with all paths. */
function naive(earlier: Tree, later: Tree): Set<string> {
  const [before, after] = [earlier.paths(), later.paths()];
  const lines = new Set<string>();
  for (const [path, { gfid }] of after) {
    if (before.get(path)?.gfid === gfid) continue;
    lines.add(`later ${path} ${gfid}`);
  }
  for (const [path, { gfid }] of before) {
    if (after.get(path)?.gfid !== gfid) lines.add(`earlier ${path} ${gfid}`);
  }
  return lines;
}

/** What the differences say of the paths: those below a directory that was renamed follow from it. */
function applied(earlier: Tree, later: Tree, changes: readonly TreeChange[]): Set<string> {
  const lines = new Set<string>();
  const [before, after] = [earlier.paths(), later.paths()];
  const renamed = changes.filter((it) => it.change === "renamed" && it.kind === "directory");
  const told = new Map(changes.filter((it) => it.change !== "modified").map((it) => [it.path, it]));
  for (const { change, path, formerPath = path } of changes) {
    if (change === "added" || change === "renamed") {
      lines.add(`later ${path} ${after.get(path)!.gfid}`);
    }
    if (change === "removed" || change === "renamed") {
      lines.add(`earlier ${formerPath} ${before.get(formerPath)!.gfid}`);
    }
  }
  // By the nearest directory above that was renamed, longest first.
  for (const [path, { gfid }] of after) {
    if (told.get(path)?.change === "added" || told.get(path)?.change === "renamed") continue;
    const above = renamed.filter((it) => path.startsWith(`${it.path}/`))
      .sort((a, b) => b.path.length - a.path.length)[0];
    if (above === undefined) continue;
    const former = above.formerPath! + path.slice(above.path.length);
    if (former === path) continue;
    assert.equal(before.get(former)?.gfid, gfid, `${former} became ${path}`);
    lines.add(`later ${path} ${gfid}`).add(`earlier ${former} ${gfid}`);
  }
  // A hard link of a file can take the part of another one.
  for (const line of lines) {
    const other = line.replace(/^later/, "earlier");
    if (other !== line && lines.delete(other)) lines.delete(line);
  }
  return lines;
}

test("the differences of trees changed at random are those of comparing all paths", async () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = generator(seed);
    const earlier = new Tree();
    for (let count = 0; count < 25; count += 1) alter(earlier, random);
    const later = earlier.copy();
    for (let count = 0; count < 12; count += 1) alter(later, random);
    // Small limits, so that the ways of large trees are gone too.
    const options = seed % 2 === 0 ? { candidatesMax: 2, entriesMax: 2 } : {};
    const changes = await diffOf(earlier, later, options);
    assert.deepEqual(
      [...applied(earlier, later, changes)].sort(), [...naive(earlier, later)].sort(), `seed ${seed}`,
    );
  }
});

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function alter(tree: Tree, random: (below: number) => number): void {
  const directories = [...tree.inodes.values()].filter((it) => it.children !== undefined);
  const { gfid } = directories[random(directories.length)]!;
  const name = "abcde"[random(5)]!;
  const present = tree.get(gfid).children!.get(name);
  const what = random(6);
  if (what === 0 && present !== undefined) return tree.remove(gfid, name);
  if (what < 3 && present === undefined) {
    return void tree.add(gfid, name, what === 1 ? DIRECTORY : FILE);
  }
  const all = [...tree.paths().keys()];
  const path = all[random(all.length)];
  if (path === undefined || present !== undefined) return;
  const from = path.split("/").slice(1, -1).reduce((at, it) => tree.get(at).children!.get(it)!, ROOT);
  const last = path.slice(path.lastIndexOf("/") + 1);
  const moved = tree.get(from).children!.get(last)!;
  if (what === 3 && tree.get(moved).children === undefined) {
    tree.get(gfid).children!.set(name, moved);
  } else if (what > 3 && !isBelow(tree, gfid, moved)) {
    tree.get(from).children!.delete(last);
    tree.get(gfid).children!.set(name, moved);
  }
}

function isBelow(tree: Tree, gfid: string, above: string): boolean {
  if (gfid === above) return true;
  return [...(tree.get(above).children?.values() ?? [])].some((it) => isBelow(tree, gfid, it));
}

test("each kind of change is told as what it is", async () => {
  const earlier = new Tree();
  const names = ["same", "written", "mode", "xattr", "times", "gone", "moved"];
  const gfids = new Map(names.map((it) => [it, earlier.add(ROOT, it, FILE)]));
  const later = earlier.copy();
  const at = (name: string): Inode => later.get(gfids.get(name)!);
  Object.assign(at("written"), { size: 5, mtime: 900, ctime: 900 });
  Object.assign(at("mode"), { mode: 0o100600, ctime: 900 });
  Object.assign(at("xattr"), { attributes: "user.k=v", ctime: 900 });
  Object.assign(at("times"), { ctime: 900 });
  later.remove(ROOT, "gone");
  later.get(ROOT).children!.delete("moved");
  const directory = later.add(ROOT, "new", DIRECTORY);
  later.get(directory).children!.set("here", gfids.get("moved")!);
  at("moved").ctime = 900;
  assert.deepEqual((await diffOf(earlier, later)).map(lineOf), [
    "modified /mode mode", "added /new", "modified /times times", "modified /written content",
    "modified /xattr xattr", "renamed /moved /new/here", "removed /gone",
  ]);
});

test("a file that became a directory of the same name is one that is gone and one that is new", async () => {
  const earlier = new Tree();
  earlier.add(ROOT, "a", FILE);
  const later = earlier.copy();
  later.remove(ROOT, "a");
  later.add(later.add(ROOT, "a", DIRECTORY), "b", FILE);
  assert.deepEqual((await diffOf(earlier, later)).map(lineOf).sort(), [
    "added /a", "added /a/b", "removed /a",
  ]);
});

test("of a large directory only a part is held at a time", async () => {
  const earlier = new Tree();
  for (let count = 0; count < 300; count += 1) earlier.add(ROOT, `f${count}`, FILE);
  const later = earlier.copy();
  for (let count = 0; count < 300; count += 3) later.remove(ROOT, `f${count}`);
  const changes = await diffOf(earlier, later, { entriesMax: 20 });
  assert.equal(changes.length, 100);
  assert.ok(changes.every(({ change: it }) => it === "removed"));
  assert.ok(earlier.listed >= 16, `${earlier.listed} times for parts of 20`);
});
