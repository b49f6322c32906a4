/**
 * What the brick notes for the self-heal daemon, around each XATTROP:
 *
 * | step | what |
 * |---|---|
 * | before | a counter is to become other than zero: the link is made |
 * | | the counters are stored |
 * | after | all counters of a kind are zero: the link goes; else it is made |
 *
 * So a cut leaves a link too many at most, which the daemon finds stale. What is known of an
 * object's links is kept in its slot, so that a counter that stays zero costs nothing.
 *
 * The directories of the index are reached under gfids that are made up at each start. That of a
 * parent in entry-changes is its own gfid xor a mask: nothing has to be remembered for it.
 */
import { randomBytes } from "node:crypto";
import { INDEX, INDEX_ACTION, IndexDecision } from "@mortar/brick-services";
import type { IndexWatch } from "@mortar/brick-services";
import type { BrickOptions } from "../options.ts";
import { gfidBytes, gfidText } from "../store/handle-path.ts";
import { INDEX_KIND, IndexDirectory } from "../store/index-directory.ts";
import { KNOWN } from "../store/inode-table.ts";
import type { InodeTable } from "../store/inode-table.ts";

const GFID_BYTES = 16;
const LINKED = [KNOWN.pendingLink, KNOWN.dirtyLink] as const;
const UNLINKED = [KNOWN.noPendingLink, KNOWN.noDirtyLink] as const;
const DECIDED = [INDEX.xattrop, INDEX.dirty] as const;

/** A directory of the index: of a kind, or the names of one parent. */
export interface VirtualDirectory {
  readonly gfid: Uint8Array;
  readonly kind: number;
  /** The parent's gfid; undefined: the directory of the kind itself. */
  readonly parent: string | undefined;
  /** Relative to `.glusterfs`. */
  readonly path: string;
}

export class HealIndex {
  readonly directory: IndexDirectory;
  readonly decision: IndexDecision;
  readonly #table: InodeTable;
  /** By INDEX_KIND. */
  readonly #gfids = [0, 1, 2].map(() => Uint8Array.from(randomBytes(GFID_BYTES)));
  readonly #mask = randomBytes(GFID_BYTES);

  constructor(directory: IndexDirectory, table: InodeTable, watch: IndexWatch) {
    this.directory = directory;
    this.#table = table;
    this.decision = new IndexDecision(watch);
  }

  /** The made-up gfid of a kind. */
  gfid(kind: number): Uint8Array {
    return this.#gfids[kind]!;
  }

  gfidOfEntries(parent: string): Uint8Array {
    return gfidBytes(parent).map((byte, index) => byte ^ this.#mask[index]!);
  }

  /** What a gfid that no object has may stand for. */
  find(gfid: Uint8Array): VirtualDirectory | undefined {
    const kind = this.#gfids.findIndex((known) => Buffer.compare(known, gfid) === 0);
    if (kind >= 0) {
      return { gfid: gfid.slice(), kind, parent: undefined, path: this.directory.path(kind) };
    }
    const parent = gfidText(gfid.map((byte, index) => byte ^ this.#mask[index]!));
    const path = this.directory.entriesOf(parent);
    if (this.directory.lstat(path) === undefined) return undefined;
    return { gfid: gfid.slice(), kind: INDEX_KIND.entries, parent, path };
  }

  /** The operands were told to `decision`. 0 or a negated errno. */
  before(slot: number): number {
    for (const kind of [INDEX_KIND.pending, INDEX_KIND.dirty]) {
      if (this.decision.actionBefore(DECIDED[kind]) !== INDEX_ACTION.add) continue;
      const result = this.#add(slot, kind);
      if (result < 0) return result;
    }
    return 0;
  }

  /** The results were told. True when replicas are known to have missed nothing (any more). */
  after(slot: number): boolean {
    for (const kind of [INDEX_KIND.pending, INDEX_KIND.dirty]) {
      const action = this.decision.actionAfter(DECIDED[kind]);
      if (action === INDEX_ACTION.add) this.#add(slot, kind);
      else if (action === INDEX_ACTION.remove) this.#remove(slot, kind);
    }
    return this.decision.actionAfter(INDEX.xattrop) === INDEX_ACTION.remove;
  }

  /** A client takes an entry out of a directory of the index. 0 or a negated errno. */
  removeName(directory: VirtualDirectory, name: string): number {
    if (directory.parent !== undefined) return this.directory.removeEntry(directory.parent, name);
    const gfid = gfidBytes(name);
    if (gfid.length === GFID_BYTES) {
      const slot = this.#table.find(new DataView(gfid.buffer), 0);
      if (slot >= 0) this.#table.clear(slot, LINKED[directory.kind] ?? 0);
    }
    return this.directory.removeName(directory.kind, name);
  }

  #add(slot: number, kind: number): number {
    const table = this.#table;
    if (table.has(slot, LINKED[kind]!)) return 0;
    const result = this.directory.add(kind, table.words, 4 * slot);
    if (result < 0) return result;
    table.clear(slot, UNLINKED[kind]!);
    table.set(slot, LINKED[kind]!);
    return 0;
  }

  #remove(slot: number, kind: number): void {
    const table = this.#table;
    if (table.has(slot, UNLINKED[kind]!)) return;
    if (this.directory.remove(kind, table.words, 4 * slot) < 0) return;
    table.clear(slot, LINKED[kind]!);
    table.set(slot, UNLINKED[kind]!);
  }
}

/** What is watched; untold, what glusterfsd watches untold. */
export function indexWatch(options: BrickOptions, volume: string): IndexWatch {
  const list = (text: string, untold: string): string[] => (text === "" ? untold : text).split(",");
  return {
    pendingPrefixes: list(options.indexPending, `trusted.afr.${volume}-`),
    pendingKeys: list(options.indexDirty64, "trusted.ec.dirty"),
    dirtyKeys: list(options.indexDirty, "trusted.afr.dirty"),
  };
}
