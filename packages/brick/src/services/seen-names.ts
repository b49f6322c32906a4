/**
 * Names that a client has looked up, or made, since it came back: the only ones that it may rename
 * in the first seconds.
 *
 * A RENAME tells names, not objects. A client that was cut off from this brick remembers names;
 * meanwhile the other copies may have got another file under such a name. Renamed by name, the old
 * file would go here where the new one goes there, and both would say that they did as they were
 * told: no copy is marked, and nothing ever heals it. A client that looks the name up sees the
 * difference and heals it first. So a rename of a name that was not looked up is refused as stale;
 * for the client's replication this copy has missed it then, which is marked and healed.
 *
 * The same is so of a name to which something was to be moved or linked that is not here: the others
 * have it under that name now. Such a name is doubted until it is looked up or made anew.
 *
 * One filter of bits for all clients, a name's two bits by hashes of client, parent and name. A name
 * that was noted is always found; one that was not may be found by chance, and is let pass. Gone
 * some seconds after the last client came back, so that it costs nothing then.
 */
import type { Objects } from "../store/objects.ts";
import { nameAt, scratch } from "../store/scratch.ts";

/** Longer than clients remember names: a second or two, and what a rename waits for its locks. */
const DOUBT_MS = 10_000;
const BITS = 2 ** 22;
/** Beyond it all are forgotten. */
const DOUBTED_MAX = 65_536;
/** Doubted names are so for every client. */
const ANYBODY = 0;
const FNV_PRIME = 0x0100_0193;
const FNV_START = 0x811c_9dc5;
const OTHER_START = 0x1234_5678;

export class SeenNames {
  #bits: Uint32Array | undefined;
  readonly #doubted = new Set<number>();
  #untilMs = 0;

  /** A client has come back. */
  begin(nowMs: number): void {
    this.#untilMs = nowMs + DOUBT_MS;
    this.#bits ??= new Uint32Array(BITS / 32);
  }

  /** The entry of scratch name `name` is what the client takes it for. */
  note(client: number, objects: Objects, parent: number, name: number): void {
    if (this.#bits === undefined) return;
    if (performance.now() > this.#untilMs) {
      this.#bits = undefined;
      this.#doubted.clear();
      return;
    }
    if (this.#doubted.size > 0) this.#doubted.delete(hash(FNV_START, ANYBODY, objects, parent, name));
    const first = hash(FNV_START, client, objects, parent, name) % BITS;
    const second = hash(OTHER_START, client, objects, parent, name) % BITS;
    this.#bits[first >>> 5]! |= 1 << (first & 31);
    this.#bits[second >>> 5]! |= 1 << (second & 31);
  }

  /** What the others have under this name by now is not here. */
  doubt(objects: Objects, parent: number, name: number): void {
    if (this.#bits === undefined) return;
    if (this.#doubted.size === DOUBTED_MAX) this.#doubted.clear();
    this.#doubted.add(hash(FNV_START, ANYBODY, objects, parent, name));
  }

  /** The client came back at `sinceMs`, and may mean another object than the one that is here. */
  isDoubtful(
    client: number, sinceMs: number, objects: Objects, parent: number, name: number,
  ): boolean {
    const bits = this.#bits;
    if (bits === undefined || performance.now() > sinceMs + DOUBT_MS) return false;
    if (this.#doubted.has(hash(FNV_START, ANYBODY, objects, parent, name))) return true;
    const first = hash(FNV_START, client, objects, parent, name) % BITS;
    const second = hash(OTHER_START, client, objects, parent, name) % BITS;
    const hasFirst = (bits[first >>> 5]! >>> (first & 31)) & 1;
    const hasSecond = (bits[second >>> 5]! >>> (second & 31)) & 1;
    return (hasFirst & hasSecond) === 0;
  }
}

/** FNV-1a over the client's number, the parent's gfid and the name. */
function hash(start: number, client: number, objects: Objects, parent: number, name: number): number {
  const { words } = objects.table;
  let value = Math.imul(start ^ client, FNV_PRIME);
  for (let word = 4 * parent; word < 4 * parent + 4; word++) {
    value = Math.imul(value ^ words[word]!, FNV_PRIME);
    value ^= value >>> 15;
  }
  for (let at = nameAt(name); scratch.bytes[at] !== 0; at++) {
    value = Math.imul(value ^ scratch.bytes[at]!, FNV_PRIME);
  }
  return (value ^ (value >>> 13)) >>> 0;
}
