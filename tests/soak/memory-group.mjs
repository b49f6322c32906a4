/**
 * A control group that limits the memory of what is in it, page cache included: of version 2 where the kernel has
 * the memory controller there, else of version 1.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const V2 = "/sys/fs/cgroup";
const V1 = "/sys/fs/cgroup/memory";

/** Why no group can be made; undefined when one can. */
export function whyNoMemoryGroup() {
  if (version() === undefined) return "no cgroup has the memory controller here";
  try {
    new MemoryGroup(`mortar-try-${process.pid}`, 64 << 20).remove();
    return undefined;
  } catch (error) {
    return `no cgroup can be made: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function version() {
  const controllers = join(V2, "cgroup.controllers");
  if (existsSync(controllers) && readFileSync(controllers, "utf8").split(/\s/).includes("memory")) return 2;
  return existsSync(join(V1, "memory.limit_in_bytes")) ? 1 : undefined;
}

export class MemoryGroup {
  /** @type {string} */
  directory;
  #isV2 = version() === 2;

  /** @param {string} name @param {number} limitBytes */
  constructor(name, limitBytes) {
    this.directory = join(this.#isV2 ? V2 : V1, name);
    if (this.#isV2) writeFileSync(join(V2, "cgroup.subtree_control"), "+memory");
    mkdirSync(this.directory);
    const limit = this.#isV2 ? "memory.max" : "memory.limit_in_bytes";
    writeFileSync(join(this.directory, limit), String(limitBytes));
  }

  /** A process, with what it starts from now on. @param {number} pid */
  add(pid) {
    writeFileSync(join(this.directory, "cgroup.procs"), String(pid));
  }

  /** Words of a command that runs in the group from its first instruction. @param {readonly string[]} command */
  wrap(command) {
    return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', join(this.directory, "cgroup.procs"), ...command];
  }

  /** How many processes the kernel killed in it for want of memory. */
  get oomKills() {
    return this.#count(this.#isV2 ? "memory.events" : "memory.oom_control", "oom_kill");
  }

  /** The most that was in use at once, in bytes. */
  get peakBytes() {
    const file = join(this.directory, this.#isV2 ? "memory.peak" : "memory.max_usage_in_bytes");
    return existsSync(file) ? Number(readFileSync(file, "utf8")) : NaN;
  }

  /** How often the limit was met and memory had to be reclaimed. */
  get limitHits() {
    if (this.#isV2) return this.#count("memory.events", "max");
    return Number(readFileSync(join(this.directory, "memory.failcnt"), "utf8"));
  }

  /** Its processes must be gone. */
  remove() {
    for (let attempt = 0; ; attempt++) {
      try {
        return rmdirSync(this.directory);
      } catch (error) {
        if (attempt === 50) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      }
    }
  }

  /** @param {string} file @param {string} key */
  #count(file, key) {
    const line = readFileSync(join(this.directory, file), "utf8").split("\n").find((it) => it.startsWith(`${key} `));
    return Number(line?.split(" ")[1] ?? NaN);
  }
}
