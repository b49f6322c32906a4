/**
 * Which files differ between two moments of a volume: two trees, compared by gfid, told as they are
 * found. No content is read: size, times and attributes decide.
 *
 * What was renamed keeps its gfid, so directories are compared with those of the same gfid, wherever
 * they are:
 *
 *     in both trees at one path            compared, entry by entry
 *     in both, at another path             renamed, then compared as soon as both paths are known
 *     in one of them only                  added or removed, and all below it
 *
 * Each directory of the later tree is listed once, and of the earlier one too. A time stamp of a
 * directory says nothing of what is deeper, so none can be left out.
 *
 * What is held does not grow with the trees: of a directory's entries `ENTRIES_MAX` at a time (a
 * larger one is listed several times, each time for a part of its names), of files that are in one
 * place only `candidatesMax`: then the other tree is asked whether it has them elsewhere.
 */
import type { GfapiStat } from "@mortar/linux";
import { RenameTable } from "./rename-table.ts";
import { kindOf } from "./snapshot-reader.ts";
import { type ChangedPart, sizeOf, type TreeChange } from "./tree-change.ts";

/** Names and gfids as strings of one character a byte. */
export interface TreeEntry {
  readonly name: string;
  readonly gfid: string;
  readonly stat: GfapiStat;
}

export interface EntryList {
  /** Undefined: there are no more. */
  next(): Promise<readonly TreeEntry[] | undefined>;
}

export interface DiffTree {
  /** In the directory's own order, without the dots. Begins at once. */
  list(gfid: string): EntryList;
  /** Undefined: there is no such object. */
  stat(gfid: string): Promise<GfapiStat | undefined>;
  /** Of a client's own attributes: the same exactly when they are. */
  attributes(gfid: string): Promise<string>;
}

export interface TreeDiffOptions {
  readonly earlier: DiffTree;
  readonly later: DiffTree;
  readonly candidatesMax?: number;
  readonly entriesMax?: number;
}

/** What is looked at. */
export interface DiffTotals {
  directories: number;
  entries: number;
}

export const ROOT = `${"\0".repeat(15)}\x01`;
const ENTRIES_MAX = 100_000;
const CANDIDATES_MAX = 100_000;

/** A directory to be compared, or, with one path only, to be told as a whole. */
interface Work {
  readonly gfid: string;
  /** Without a slash at its end: the root's is empty. */
  readonly path: string | undefined;
  readonly formerPath: string | undefined;
}

interface Place {
  readonly path: string;
  readonly stat: GfapiStat;
}

export class TreeDiff {
  readonly totals: DiffTotals = { directories: 0, entries: 0 };
  readonly #earlier: DiffTree;
  readonly #later: DiffTree;
  readonly #entriesMax: number;
  readonly #renames: RenameTable;
  readonly #stack: Work[] = [];
  /** Directories that are in both trees, at other paths; until both are known. */
  readonly #moved = new Map<string, { earlier?: Place; later?: Place }>();
  #found: TreeChange[] = [];

  constructor({ earlier, later, candidatesMax = CANDIDATES_MAX, entriesMax = ENTRIES_MAX }: TreeDiffOptions) {
    this.#earlier = earlier;
    this.#later = later;
    this.#entriesMax = entriesMax;
    this.#renames = new RenameTable({
      countMax: candidatesMax,
      isIn: async (side, gfid) => (await (side === "earlier" ? earlier : later).stat(gfid)) !== undefined,
      onChange: (change) => void this.#found.push(change),
      partsOf: async (gfid, before, after) => await this.#partsOf(gfid, before, after),
    });
  }

  /** In the order of the walk. Rejects with what the trees reject with. */
  async *changes(): AsyncGenerator<TreeChange> {
    await this.#root();
    this.#stack.push({ gfid: ROOT, path: "", formerPath: "" });
    for (;;) {
      for (let work = this.#stack.pop(); work !== undefined; work = this.#stack.pop()) {
        yield* this.#directory(work);
      }
      if (this.#moved.size === 0) break;
      await this.#findFormerPaths();
    }
    this.#renames.finish();
    yield* this.#told();
  }

  async #root(): Promise<void> {
    const [before, after] = await Promise.all([this.#earlier.stat(ROOT), this.#later.stat(ROOT)]);
    if (before === undefined || after === undefined) return;
    await this.#pair({ name: "", gfid: ROOT, stat: before }, { name: "", gfid: ROOT, stat: after }, "/");
  }

  /** One part of the names after the other; one part is all of them but in large directories. */
  async *#directory(work: Work): AsyncGenerator<TreeChange> {
    this.totals.directories += 1;
    const below: Work[] = [];
    let parts = 1;
    for (let part = 0; part < parts; part += 1) {
      const lists = {
        later: work.path === undefined ? undefined : this.#later.list(work.gfid),
        earlier: work.formerPath === undefined ? undefined : this.#earlier.list(work.gfid),
      };
      const before = new Map<string, TreeEntry>();
      for await (const entry of entriesOf(lists.earlier)) {
        if (partOf(entry.name, parts) !== part) continue;
        before.set(entry.name, entry);
        if (part === 0 && before.size > this.#entriesMax) {
          parts *= 2;
          for (const name of before.keys()) if (partOf(name, parts) !== 0) before.delete(name);
        }
      }
      for await (const entry of entriesOf(lists.later)) {
        if (partOf(entry.name, parts) !== part) continue;
        this.totals.entries += 1;
        const path = `${work.path}/${entry.name}`;
        const former = before.get(entry.name);
        if (former?.gfid === entry.gfid) {
          before.delete(entry.name);
          await this.#pair(former, entry, path);
          if (isDirectory(entry)) {
            below.push({ gfid: entry.gfid, path, formerPath: `${work.formerPath}/${entry.name}` });
          }
        } else {
          await this.#only("later", entry, path, below);
        }
        if (this.#found.length >= this.#entriesMax) yield* this.#told();
      }
      for (const entry of before.values()) {
        await this.#only("earlier", entry, `${work.formerPath}/${entry.name}`, below);
      }
      yield* this.#told();
    }
    below.sort(byPath);
    for (let index = below.length - 1; index >= 0; index -= 1) this.#stack.push(below[index]!);
  }

  async #pair(before: TreeEntry, after: TreeEntry, path: string): Promise<void> {
    const parts = await this.#partsOf(after.gfid, before.stat, after.stat);
    if (parts.length === 0) return;
    this.#found.push({
      change: "modified", path, kind: kindOf(after.stat), parts,
      sizeBytes: sizeOf(after.stat), formerSizeBytes: sizeOf(before.stat),
    });
  }

  async #only(side: "earlier" | "later", entry: TreeEntry, path: string, below: Work[]): Promise<void> {
    const { gfid, stat } = entry;
    if (!isDirectory(entry)) return await this.#renames.add(side, { gfid, path, stat });
    const other = side === "earlier" ? this.#later : this.#earlier;
    if ((await other.stat(gfid)) !== undefined) return await this.#move(side, gfid, { path, stat });
    this.#found.push({
      change: side === "later" ? "added" : "removed", path, kind: "directory", parts: [], sizeBytes: 0,
    });
    below.push({
      gfid, path: side === "later" ? path : undefined, formerPath: side === "earlier" ? path : undefined,
    });
  }

  async #move(side: "earlier" | "later", gfid: string, place: Place): Promise<void> {
    const known = this.#moved.get(gfid);
    const [earlier, later] = side === "earlier" ? [place, known?.later] : [known?.earlier, place];
    if (earlier === undefined || later === undefined) {
      this.#moved.set(gfid, { ...(earlier && { earlier }), ...(later && { later }) });
      return;
    }
    this.#moved.delete(gfid);
    const parts = await this.#partsOf(gfid, earlier.stat, later.stat);
    const [path, formerPath] = [later.path, earlier.path];
    // Its parent may have been replaced by another directory of the same name.
    const isThere = path === formerPath;
    if (!isThere || parts.length > 0) {
      this.#found.push({
        ...(isThere ? { change: "modified" } : { change: "renamed", formerPath }),
        path, kind: "directory", parts, sizeBytes: 0,
      });
    }
    this.#stack.push({ gfid, path, formerPath });
  }

  /**
   * Directories whose former place is below others that wait in the same way (`a/b` that became
   * `b/a`): the names of the earlier tree's directories are gone through once more.
   */
  async #findFormerPaths(): Promise<void> {
    const wanted = new Set<string>();
    for (const [gfid, { earlier }] of this.#moved) if (earlier === undefined) wanted.add(gfid);
    if (wanted.size === 0) {
      // A volume that is written meanwhile: they were somewhere else when they were looked for.
      this.#moved.clear();
      return;
    }
    const stack = [{ gfid: ROOT, path: "" }];
    for (let at = stack.pop(); at !== undefined && wanted.size > 0; at = stack.pop()) {
      for await (const entry of entriesOf(this.#earlier.list(at.gfid))) {
        if (!isDirectory(entry)) continue;
        const path = `${at.path}/${entry.name}`;
        stack.push({ gfid: entry.gfid, path });
        if (wanted.delete(entry.gfid)) await this.#move("earlier", entry.gfid, { path, stat: entry.stat });
      }
    }
    for (const gfid of wanted) this.#moved.delete(gfid);
  }

  /** What cannot be told from the rest is what a change of `ctime` alone means: see `times`. */
  async #partsOf(gfid: string, before: GfapiStat, after: GfapiStat): Promise<ChangedPart[]> {
    const parts: ChangedPart[] = [];
    const isFile = kindOf(after) === "file";
    const isTouched = before.mtime !== after.mtime || before.mtimeNsec !== after.mtimeNsec;
    if (isFile && (before.size !== after.size || isTouched)) parts.push("content");
    if (before.mode !== after.mode) parts.push("mode");
    if (before.uid !== after.uid || before.gid !== after.gid) parts.push("owner");
    const isDir = kindOf(after) === "directory";
    if (!isDir && before.nlink !== after.nlink) parts.push("links");
    const isOtherDevice = before.rdevMajor !== after.rdevMajor || before.rdevMinor !== after.rdevMinor;
    if (kindOf(after) === "other" && isOtherDevice) parts.push("device");
    const isSame = before.ctime === after.ctime && before.ctimeNsec === after.ctimeNsec;
    if (isSame || parts.includes("content")) return parts;
    const [one, other] = await Promise.all([
      this.#earlier.attributes(gfid), this.#later.attributes(gfid),
    ]);
    if (one !== other) parts.push("xattr");
    else if (!isDir && parts.length === 0) parts.push("times");
    return parts;
  }

  *#told(): Generator<TreeChange> {
    const found = this.#found.sort(byPath);
    this.#found = [];
    yield* found;
  }
}

async function* entriesOf(list: EntryList | undefined): AsyncGenerator<TreeEntry> {
  for (let batch = await list?.next(); batch !== undefined; batch = await list?.next()) yield* batch;
}

function isDirectory({ stat }: TreeEntry): boolean {
  return kindOf(stat) === "directory";
}

function byPath(
  a: { readonly path: string | undefined; readonly formerPath?: string | undefined },
  b: { readonly path: string | undefined; readonly formerPath?: string | undefined },
): number {
  const [one = "", other = ""] = [a.path ?? a.formerPath, b.path ?? b.formerPath];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** FNV-1a: the names of a large directory in parts of about one size. `parts` is a power of two. */
function partOf(name: string, parts: number): number {
  if (parts === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (parts - 1);
}
