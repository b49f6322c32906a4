/**
 * Which objects are open, so that one that loses its last name stays reachable by its gfid until
 * the last descriptor is closed.
 */
import { calls } from "./scratch.ts";

/** An object that some client has open. */
export interface OpenInode {
  readonly key: string;
  readonly words: Uint32Array;
  /** The same, as it is on the wire. */
  readonly gfid: DataView;
  openCount: number;
  /** Who has it open, and how. */
  readonly files: OpenFile[];
  /** It is at unlink/GFID. */
  unlinked: boolean;
}

/** Not used anew by the next process, since clients remember some of them. */
let nextId = Date.now() * 1000;

/** One open of one client. */
export class OpenFile {
  /** Of all that were ever opened. */
  readonly id = nextId++;
  readonly inode: OpenInode;
  fd: number;
  /** Text of what it was opened with; empty: none. */
  leaseId = "";
  /** Of open(2), as the client gave them. */
  readonly flags: number;
  readonly isDirectory: boolean;

  constructor(inode: OpenInode, fd: number, flags: number, isDirectory: boolean) {
    this.inode = inode;
    this.fd = fd;
    this.flags = flags;
    this.isDirectory = isDirectory;
  }
}

export class OpenFiles {
  readonly #inodes = new Map<string, OpenInode>();
  /** Of inodes without a name. */
  unlinkedCount = 0;

  get count(): number {
    return this.#inodes.size;
  }

  find(words: Uint32Array, base: number): OpenInode | undefined {
    return this.#inodes.size === 0 ? undefined : this.#inodes.get(keyOf(words, base));
  }

  open(
    words: Uint32Array, base: number, fd: number, flags: number, isDirectory: boolean,
  ): OpenFile {
    const key = keyOf(words, base);
    let inode = this.#inodes.get(key);
    if (inode === undefined) {
      inode = {
        key, words: words.slice(base, base + 4), gfid: gfidView(words, base), openCount: 0,
        files: [], unlinked: false,
      };
      this.#inodes.set(key, inode);
    }
    inode.openCount++;
    const file = new OpenFile(inode, fd, flags, isDirectory);
    inode.files.push(file);
    return file;
  }

  /** True when that was the last one of an object without a name: its file can go. */
  close(file: OpenFile): boolean {
    const { inode } = file;
    calls.close(file.fd);
    file.fd = -1;
    inode.openCount--;
    inode.files.splice(inode.files.indexOf(file), 1);
    if (inode.openCount > 0) return false;
    this.#inodes.delete(inode.key);
    if (inode.unlinked) this.unlinkedCount--;
    return inode.unlinked;
  }

  /** It has a name again. */
  markLinked(inode: OpenInode): void {
    if (!inode.unlinked) return;
    inode.unlinked = false;
    this.unlinkedCount--;
  }

  markUnlinked(inode: OpenInode): void {
    inode.unlinked = true;
    this.unlinkedCount++;
  }
}

function gfidView(words: Uint32Array, base: number): DataView {
  const view = new DataView(new ArrayBuffer(16));
  for (let word = 0; word < 4; word++) view.setUint32(4 * word, words[base + word]!, false);
  return view;
}

/** Eight units of 16 bits: a string that is made in one step. */
function keyOf(words: Uint32Array, base: number): string {
  const a = words[base]!;
  const b = words[base + 1]!;
  const c = words[base + 2]!;
  const d = words[base + 3]!;
  return String.fromCharCode(
    a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff,
  );
}
