/**
 * A listing in progress. Offsets that clients get are counts of entries: a snapshot does not change,
 * so the nth entry is the same whenever it is asked for.
 */
import { Errno, FopError } from "./fop-error.ts";
import type { SnapshotCatalogue } from "./snapshot-catalogue.ts";
import type { SnapshotTree, TreeEntry, TreeNode } from "./snapshot-tree.ts";

const BATCH = 256;
/** Of all listings: a snapshot that is opened anew knows none of those before. */
let nextNumber = 1;

export class DirectoryCursor {
  readonly #tree: SnapshotTree;
  readonly #catalogue: SnapshotCatalogue;
  readonly #node: TreeNode;
  #fd = 0;
  /** Entries from number `#first` on; the thread's listing stands behind the last. */
  #first = 0;
  #entries: TreeEntry[] = [];
  #isEnd = false;

  constructor(tree: SnapshotTree, catalogue: SnapshotCatalogue, node: TreeNode) {
    this.#tree = tree;
    this.#catalogue = catalogue;
    this.#node = node;
  }

  /** Rejects with FopError when it cannot be listed. */
  async open(): Promise<void> {
    if (this.#node.kind === "entry-point") return;
    const { snapshot, gfid } = this.#node;
    this.#fd = nextNumber;
    nextNumber += 1;
    this.#begin();
    await this.#catalogue.ask(snapshot.id, "openDirectory", { gfid, fd: this.#fd });
  }

  /** Entries from this number on, and whether the last of all is among them; none: the end. */
  async from(
    offset: number,
  ): Promise<{ readonly entries: readonly TreeEntry[]; readonly isEnd: boolean }> {
    if (this.#node.kind === "entry-point") {
      // As of the beginning of a listing.
      if (offset === 0) this.#entries = await this.#tree.snapshotNames(this.#node.gfid);
      return { entries: this.#entries.slice(offset), isEnd: true };
    }
    try {
      await this.#goTo(offset);
    } catch (error) {
      if (!(error instanceof FopError) || error.errno !== Errno.EBADF) throw error;
      // The snapshot was closed for a while.
      await this.open();
      await this.#goTo(offset);
    }
    return { entries: this.#entries.slice(offset - this.#first), isEnd: this.#isEnd };
  }

  async close(): Promise<void> {
    if (this.#node.kind === "entry-point") return;
    const { id } = this.#node.snapshot;
    // One that was closed meanwhile took its listings with it.
    if (!this.#catalogue.isOpen(id)) return;
    await this.#catalogue.ask(id, "closeDirectory", { fd: this.#fd });
  }

  async #goTo(offset: number): Promise<void> {
    if (this.#node.kind === "entry-point") return;
    const { snapshot } = this.#node;
    if (offset < this.#first) {
      this.#begin();
      await this.#catalogue.ask(snapshot.id, "rewind", { fd: this.#fd });
    }
    while (!this.#isEnd && offset >= this.#first + this.#entries.length) {
      const args = { fd: this.#fd, countMax: BATCH };
      const list = await this.#catalogue.ask(snapshot.id, "list", args);
      this.#first += this.#entries.length;
      this.#entries = list.map((it) => this.#tree.entryOf(snapshot, it));
      this.#isEnd = list.length < BATCH;
    }
  }

  #begin(): void {
    this.#first = 0;
    this.#entries = [];
    this.#isEnd = false;
  }
}
