/**
 * A file system on a thin volume, its snapshots, and everything that serves them killed again and
 * again. The file system must see no error, nothing that was written may be missing, and a
 * snapshot holds what was there when it was made: no more and no less.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { verifyWithThinTools } from "../interop/by-us.mjs";
import { FileGroup } from "../interop/group-on-files.mjs";
import { Random } from "../interop/random.mjs";
import { Report } from "../interop/report.mjs";
import { BlockRig, within } from "./block-rig.mjs";
import { FileModel, verifyFiles } from "./file-model.mjs";

/** @typedef {(line: string) => void} Log */
/** @typedef {import("./file-model.mjs").Expected} Expected */

const MIB = 1 << 20;
/** So often in 500 operations. */
const EVENTS = {
  killServer: 6,
  snapshot: 3,
  lookAtSnapshot: 3,
  removeSnapshot: 2,
  trim: 3,
  interruptCommand: 2,
  killServerInCommand: 2,
};
const SNAPSHOTS_MAX = 6;
const STALL_MS_MAX = 30_000;

/**
 * @param {{ seed: number, operations: number, log: Log }} options
 * @returns {Promise<Report>} of the checks at the end; throws at the first wrong thing before
 */
export async function runBlockSoak({ seed, operations, log }) {
  const rig = new BlockRig(1536 * MIB);
  const stop = () => process.exit(1);
  const cleanUp = () => rig.remove();
  process.once("SIGINT", stop).once("SIGTERM", stop).once("exit", cleanUp);
  const soak = new BlockSoak(rig, seed, log);
  try {
    soak.prepare();
    await soak.run(operations);
    return await soak.finish();
  } catch (error) {
    throw new Error(`seed ${seed}, ${soak.describe()}: ${String(error)}`, { cause: error });
  } finally {
    process.off("exit", cleanUp).off("SIGINT", stop).off("SIGTERM", stop);
    const forced = rig.remove();
    if (forced.length > 0) log(`cleaned up by force: ${forced.join(", ")}`);
  }
}

class BlockSoak {
  #rig;
  #random;
  #log;
  #mount;
  #snapshotMount;
  #files;
  /** @type {Map<string, Map<string, Expected>>} */
  #snapshots = new Map();
  #names = 0;
  #operation = 0;
  #last = "";
  #longestStallMs = 0;
  /** @type {Map<string, number>} */
  #counts = new Map();

  /** @param {BlockRig} rig @param {number} seed @param {Log} log */
  constructor(rig, seed, log) {
    this.#rig = rig;
    this.#random = new Random(seed);
    this.#log = log;
    this.#mount = join(rig.directory, "mnt");
    this.#snapshotMount = join(rig.directory, "snapshot");
    this.#files = new FileModel(this.#mount, this.#random);
  }

  describe() {
    return `operation ${this.#operation} (${this.#last})`;
  }

  prepare() {
    const { vg, pool, loop } = this.#rig;
    for (const directory of [this.#mount, this.#snapshotMount]) mkdirSync(directory);
    this.#rig.must("vgcreate", vg, loop);
    this.#rig.must("lvcreate", "-L", "768m", "-T", `${vg}/${pool}`);
    this.#rig.must("lvcreate", "-V", "640m", "-T", `${vg}/${pool}`, "-n", "files");
    this.#rig.run("mkfs.xfs", "-q", this.#rig.device("files"));
    this.#rig.run("mount", this.#rig.device("files"), this.#mount);
  }

  /** @param {number} operations */
  async run(operations) {
    const due = schedule(operations, this.#random);
    for (this.#operation = 1; this.#operation <= operations; this.#operation++) {
      const started = Date.now();
      this.#last = this.#files.step();
      this.#longestStallMs = Math.max(this.#longestStallMs, Date.now() - started);
      for (const event of due.get(this.#operation) ?? []) {
        this.#last = event;
        await this.#happens(event);
        this.#counts.set(event, (this.#counts.get(event) ?? 0) + 1);
      }
      if (this.#operation % 1000 === 0) this.#log(`${this.#operation} operations, ${this.#told()}`);
    }
  }

  #told() {
    const counts = [...this.#counts].map(([event, count]) => `${event} ${count}`);
    return `${counts.join(", ")}, longest stall ${this.#longestStallMs} ms`;
  }

  /** @param {string} event */
  async #happens(event) {
    switch (event) {
      case "killServer":
        return this.#killServer();
      case "snapshot":
        return this.#snapshot();
      case "lookAtSnapshot":
        return this.#lookAtSnapshot();
      case "removeSnapshot":
        return this.#removeSnapshot();
      case "trim":
        this.#rig.run("fstrim", this.#mount);
        return undefined;
      case "interruptCommand":
        return this.#disturbCommand("cli");
      case "killServerInCommand":
        return this.#disturbCommand("server");
      default:
        throw new Error(`unknown event ${event}`);
    }
  }

  /**
   * While the kernel writes back what is dirty; and now and then the next server too, as it
   * begins.
   */
  async #killServer() {
    this.#files.dirty();
    const sync = this.#rig.start("sync", ["-f", this.#mount], { stdio: "ignore" });
    /** @type {Promise<number | null>} */
    const synced = new Promise((resolve) => sync.once("close", resolve));
    await pause(this.#random.below(60));
    this.#rig.killServer();
    if (this.#random.chance(0.4)) {
      await pause(this.#random.below(600));
      this.#rig.killServer();
    }
    const status = await within(synced, STALL_MS_MAX, "sync after the death of the server");
    if (status !== 0) throw new Error(`sync ended with ${status}`);
    this.#files.allClean();
  }

  async #snapshot() {
    if (this.#snapshots.size >= SNAPSHOTS_MAX) await this.#removeSnapshot();
    const name = this.#newName();
    this.#rig.must("lvcreate", "-s", "-n", name, `${this.#rig.vg}/files`);
    this.#snapshots.set(name, this.#files.copy());
  }

  async #lookAtSnapshot() {
    if (this.#snapshots.size === 0) return;
    const name = this.#random.pick([...this.#snapshots.keys()]);
    this.#verifySnapshot(name, this.#snapshots.get(name) ?? new Map(), false);
  }

  async #removeSnapshot() {
    if (this.#snapshots.size === 0) return;
    const name = this.#random.pick([...this.#snapshots.keys()]);
    this.#rig.must("lvremove", "-y", `${this.#rig.vg}/${name}`);
    this.#snapshots.delete(name);
  }

  /**
   * A command that dies in the middle, or whose server does, has happened or it has not. The file
   * system is not left frozen, and the next command finds everything in order.
   * @param {"cli" | "server"} victim
   */
  async #disturbCommand(victim) {
    const { vg } = this.#rig;
    const doomed = this.#random.chance(0.4) ? [...this.#snapshots.keys()][0] : undefined;
    const name = doomed ?? this.#newName();
    const words =
      doomed === undefined
        ? ["lvcreate", "-s", "-n", name, `${vg}/files`]
        : ["lvremove", "-y", `${vg}/${name}`];
    const copy = this.#snapshots.get(name) ?? this.#files.copy();
    const ended = await this.#rig.disturbed(words, 30 + this.#random.below(400), (child) => {
      if (victim === "cli") child.kill("SIGKILL");
      else this.#rig.killServer();
    });
    const there = this.#rig
      .must("lvs", "--noheadings", "-o", "lv_name", vg)
      .split(/\s+/)
      .includes(name);
    if (ended?.status === 0 && there === (doomed !== undefined)) {
      throw new Error(`${words.join(" ")} succeeded, but ${name} is ${there ? "" : "not "}there`);
    }
    await this.#requireThawed();
    if (!there) {
      this.#snapshots.delete(name);
      return;
    }
    this.#verifySnapshot(name, copy, doomed === undefined && ended?.status !== 0);
    if (doomed === undefined) this.#rig.must("lvremove", "-y", `${vg}/${name}`);
    else this.#snapshots.set(name, copy);
  }

  async #requireThawed() {
    const touch = this.#rig.start("touch", [join(this.#mount, "thawed")], { stdio: "ignore" });
    const touched = new Promise((resolve) => touch.once("close", resolve));
    try {
      await within(touched, STALL_MS_MAX, "a write after an interrupted command");
    } catch (error) {
      this.#rig.run("xfs_freeze", "-u", this.#mount);
      throw error;
    }
    this.#rig.run("rm", join(this.#mount, "thawed"));
  }

  /**
   * @param {string} name
   * @param {ReadonlyMap<string, Expected>} files
   * @param {boolean} onlyClean
   */
  #verifySnapshot(name, files, onlyClean) {
    const lv = `${this.#rig.vg}/${name}`;
    this.#rig.must("lvchange", "-ay", "-K", lv);
    this.#rig.run("mount", "-o", "ro,nouuid", this.#rig.device(name), this.#snapshotMount);
    try {
      verifyFiles(this.#snapshotMount, files, onlyClean);
    } catch (error) {
      throw new Error(`snapshot ${name}: ${String(error)}`, { cause: error });
    } finally {
      this.#rig.run("umount", this.#snapshotMount);
    }
    this.#rig.must("lvchange", "-an", lv);
  }

  #newName() {
    this.#names += 1;
    return `snap${this.#names}`;
  }

  /** Everything is looked at again, from the disk, by all who can read it. */
  async finish() {
    this.#last = "the checks at the end";
    const report = new Report(this.#log);
    report.scenario("block soak");
    report.note(`${this.#operation - 1} operations, ${this.#told()}`);
    const { vg } = this.#rig;
    this.#files.verifyAll();
    this.#rig.run("umount", this.#mount);
    this.#rig.run("mount", this.#rig.device("files"), this.#mount);
    this.#files.verifyAll();
    report.check("all files are as written, after another mount", true);
    this.#rig.run("umount", this.#mount);
    report.equal("the kernel has no complaint", this.#rig.kernelComplaints(), []);
    this.#repairs(report, "files");
    for (const [name, files] of this.#snapshots) {
      this.#verifySnapshot(name, files, false);
      this.#rig.must("lvchange", "-ay", "-K", `${vg}/${name}`);
      this.#repairs(report, name);
    }
    this.#rig.must("vgchange", "-an", vg);
    this.#verifyDisk(report);
    return report;
  }

  /** @param {Report} report @param {string} lv */
  #repairs(report, lv) {
    let complaint = "";
    try {
      this.#rig.run("xfs_repair", "-n", this.#rig.device(lv));
    } catch (error) {
      complaint = String(error);
    }
    report.check(`xfs_repair -n finds ${lv} clean`, complaint === "", complaint);
  }

  /** @param {Report} report */
  #verifyDisk(report) {
    const { vg, loop, disk, directory } = this.#rig;
    const group = FileGroup.open([disk], this.#random);
    report.equal("labels, areas and texts are sound", group.defects(), []);
    report.equal(
      "the volumes are the origin and its snapshots",
      group.thinNames().sort(),
      ["files", ...this.#snapshots.keys()].sort(),
    );
    report.equal("no message is left in the text", group.poolLv.segment.messages, []);
    report.equal("our check finds no defect", group.check().defects, []);
    verifyWithThinTools(report, group, directory);
    group.close();
    for (const words of [
      ["lvs", "-a", vg],
      ["vgck", vg],
      ["pvck", "--dump", "headers", loop],
    ]) {
      const ended = this.#rig.debianLvm(...words);
      report.check(
        `Debian's ${words[0]} accepts the disk`,
        ended.status === 0,
        ended.stdout + ended.stderr,
      );
    }
  }
}

/**
 * Which events follow which operation. @param {number} operations @param {Random} random
 * @returns {Map<number, string[]>}
 */
function schedule(operations, random) {
  /** @type {Map<number, string[]>} */
  const due = new Map();
  for (const [event, often] of Object.entries(EVENTS)) {
    const count = Math.max(1, Math.round((often * operations) / 500));
    for (let index = 0; index < count; index++) {
      const at = 1 + Math.floor(((index + random.below(1000) / 1000) * operations) / count);
      due.set(at, [...(due.get(at) ?? []), event]);
    }
  }
  return due;
}
