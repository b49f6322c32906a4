/**
 * The disks of the guest on this machine: loop devices over the same files, and Mortar's own
 * engine, by its command line, with a root directory of its own. Needs root.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = join(dirname(fileURLToPath(import.meta.url)), "../../packages/cli/dist/main.js");

export class HostNode {
  #root;
  /** @type {string[]} */
  #loops = [];

  /** @param {string} directory that is kept for it @param {readonly string[]} paths of the disks */
  constructor(directory, paths) {
    if (process.getuid?.() !== 0) throw new Error("loop devices need root: run this as root");
    this.#root = join(directory, "node");
    mkdirSync(join(this.#root, "etc/mortar"), { recursive: true });
    try {
      for (const path of paths) {
        this.#loops.push(run(["losetup", "--find", "--show", path]).trim());
      }
    } catch (error) {
      this.close();
      throw error;
    }
    const configuration = JSON.stringify({ devices: this.#loops, engine: "userspace" });
    writeFileSync(join(this.#root, "etc/mortar/mortar.json"), configuration);
  }

  /** The loop device of the n-th disk. @param {number} index */
  device(index) {
    return this.#loops[index] ?? "";
  }

  /** What the command printed. Throws when it fails. @param {...string} words */
  mortar(...words) {
    return run([process.execPath, MAIN, "--root", this.#root, ...words]);
  }

  /** @param {string} vg @param {readonly string[]} names @returns {Map<string, string>} */
  checksums(vg, names) {
    return new Map(names.map((name) => [name, checksumOf(`/dev/${vg}/${name}`)]));
  }

  /** With nothing active any more. */
  close() {
    for (const loop of this.#loops) run(["losetup", "-d", loop]);
    this.#loops = [];
  }
}

/** @param {string} path */
function checksumOf(path) {
  return run(["sha256sum", path]).split(" ", 1)[0] ?? "";
}

/** @param {readonly string[]} words */
export function run([program = "", ...words]) {
  const { status, stdout, stderr } = spawnSync(program, words, {
    encoding: "utf8",
    timeout: 120_000,
    maxBuffer: 1 << 26,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${words.join(" ")}: code ${status}\n${stdout}${stderr}`);
}
