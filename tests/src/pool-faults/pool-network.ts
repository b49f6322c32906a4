/**
 * Nodes in network namespaces of their own, on one bridge in another, so nothing of the machine's
 * network is touched:
 *
 *     NAME1 eth0 10.77.0.1 ─┐
 *     NAME2 eth0 10.77.0.2 ─┼─ br0 in NAMEh
 *     NAME3 eth0 10.77.0.3 ─┘
 *
 * A way is cut in one direction by a wrong hardware address of the other node: its frames go to
 * nobody, in silence, as on a broken cable. A slow way is cut and whole in turns, many times a
 * second: what goes over it comes late, after TCP has sent it again.
 */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

const NOBODY = "02:00:00:00:00:99";
const CUT_MS = 350;
const WHOLE_MS = 40;

export class PoolNetwork {
  readonly #name: string;
  readonly #size: number;
  /** By node: what changes it is done in order. */
  readonly #changes = new Map<number, Promise<void>>();
  readonly #slow = new Map<string, NodeJS.Timeout>();

  /** `name`: at most 8 characters. */
  constructor(name: string, size: number) {
    this.#name = name;
    this.#size = size;
  }

  open(): void {
    const hub = `${this.#name}h`;
    ip("netns", "add", hub);
    ip("-n", hub, "link", "add", "br0", "type", "bridge");
    ip("-n", hub, "link", "set", "br0", "up");
    for (let node = 0; node < this.#size; node++) {
      const name = this.#space(node);
      ip("netns", "add", name);
      ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", `p${node}`, "netns", hub);
      ip("-n", hub, "link", "set", `p${node}`, "master", "br0", "up");
      ip("-n", name, "addr", "add", `${this.address(node)}/24`, "dev", "eth0");
      ip("-n", name, "link", "set", "eth0", "up");
      ip("-n", name, "link", "set", "lo", "up");
    }
  }

  address(node: number): string {
    return `10.77.0.${node + 1}`;
  }

  /** A command line, in the network of a node, and the mounts of the machine. */
  within(node: number, ...words: readonly string[]): string[] {
    return ["nsenter", `--net=/run/netns/${this.#space(node)}`, ...words];
  }

  /** Nothing of what `from` sends to `to` arrives. */
  cut(from: number, to: number): void {
    this.#change(from, "replace", this.address(to), "lladdr", NOBODY, "dev", "eth0", "nud", "permanent");
  }

  mend(from: number, to: number): void {
    clearTimeout(this.#slow.get(`${from} ${to}`));
    this.#slow.delete(`${from} ${to}`);
    this.#release(from, to);
  }

  slow(from: number, to: number): void {
    const key = `${from} ${to}`;
    const turn = (isCut: boolean): void => {
      if (isCut) this.cut(from, to);
      else this.#release(from, to);
      this.#slow.set(key, setTimeout(() => turn(!isCut), isCut ? CUT_MS : WHOLE_MS));
    };
    if (!this.#slow.has(key)) turn(true);
  }

  /** All ways are whole when it resolves. */
  async mendAll(): Promise<void> {
    for (let from = 0; from < this.#size; from++) {
      for (let to = 0; to < this.#size; to++) if (from !== to) this.mend(from, to);
    }
    await Promise.all(this.#changes.values());
  }

  close(): void {
    for (const timer of this.#slow.values()) clearTimeout(timer);
    for (const suffix of ["h", ...Array.from({ length: this.#size }, (_, node) => node)]) {
      try {
        ip("netns", "del", `${this.#name}${suffix}`);
      } catch {
        // It was not made.
      }
    }
  }

  #space(node: number): string {
    return `${this.#name}${node}`;
  }

  #release(from: number, to: number): void {
    this.#change(from, "del", this.address(to), "dev", "eth0");
  }

  /** One that is not there cannot be removed, which is as good. */
  #change(node: number, ...words: readonly string[]): void {
    this.#changes.set(node, this.#after(this.#changes.get(node), node, words));
  }

  async #after(
    former: Promise<void> | undefined, node: number, words: readonly string[],
  ): Promise<void> {
    await former;
    await run("ip", ["-n", this.#space(node), "neigh", ...words]).catch(() => undefined);
  }
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", words, { timeout: 10_000, stdio: ["ignore", "ignore", "pipe"] });
}
