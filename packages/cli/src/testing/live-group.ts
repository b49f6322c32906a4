/**
 * A place of its own for live tests: a root with disks in files, on loop devices that are all its
 * commands see, a mount point, and a name for a volume group which no other test has. Commands are
 * written with VG for that name, and their output is read back so.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync } from "node:fs";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommandLine } from "../command-line.ts";
import { runLvm } from "../lvm/index.ts";
import { recorder } from "./recorder.ts";

/** For `skip` of a test: false for root. */
export const needsRoot: string | false = process.getuid?.() === 0 ? false : "needs root";

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface LiveGroupOptions {
  /** A word for names; default name of the group: it and the process id. */
  readonly area: string;
  readonly name?: string;
  /** What stands for the name in commands and output; default `VG`. */
  readonly shownAs?: string;
}

/** Standard output of a program that has to succeed. */
export function run(program: string, ...args: readonly string[]): string {
  const result = spawnSync(program, args, { encoding: "utf8" });
  if (result.status === 0) return result.stdout.trim();
  throw new Error(`${program} ${args.join(" ")}: ${result.status} ${result.stderr}`);
}

export class LiveGroup {
  readonly root: string;
  readonly vg: string;
  readonly mountPoint: string;
  readonly disks: string[] = [];
  readonly loops: string[] = [];
  readonly #shownAs: string;

  /** Makes the root; disks come with `attach`. */
  constructor({ area, name = `${area}${process.pid}`, shownAs = "VG" }: LiveGroupOptions) {
    this.root = mkdtempSync(join(tmpdir(), `mortar-cli-${area}-${process.pid}-`));
    this.vg = name;
    this.#shownAs = shownAs;
    this.mountPoint = join(this.root, "mnt");
  }

  /** One disk for each size. `settings` are of mortar.json, beside the devices. */
  attach(sizesBytes: readonly number[], settings: object = {}): void {
    for (const sizeBytes of sizesBytes) {
      const disk = join(this.root, `disk${this.disks.length}`);
      closeSync(openSync(disk, "w"));
      truncateSync(disk, sizeBytes);
      this.disks.push(disk);
      this.loops.push(run("losetup", "-f", "--show", disk));
    }
    mkdirSync(join(this.root, "etc/mortar"), { recursive: true });
    mkdirSync(this.mountPoint, { recursive: true });
    const text = JSON.stringify({ devices: this.loops, ...settings });
    writeFileSync(join(this.root, "etc/mortar/mortar.json"), text);
  }

  device(lv: string): string {
    return `/dev/${this.vg}/${lv}`;
  }

  /** A command of LVM; words with spaces stand in '…'. */
  async lvm(command: string): Promise<Outcome> {
    const [tool = "", ...args] = this.#words(command);
    return await this.#outcome((io) => runLvm(tool, args, io, { root: this.root }));
  }

  /** A command line of `mortar`. */
  async mortar(command: string): Promise<Outcome> {
    const args = ["--root", this.root, ...this.#words(command)];
    return await this.#outcome((io) => runCommandLine("mortar", args, io));
  }

  /** What `mortar` prints, which has to succeed. */
  async done(command: string): Promise<string> {
    const { stdout, stderr, code } = await this.mortar(command);
    assert.equal(code, 0, `${command}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Unmounts, deactivates, takes the disks away. */
  async remove(): Promise<void> {
    spawnSync("umount", ["-l", this.mountPoint], { stdio: "ignore" });
    if (this.loops.length > 0) await this.lvm(`vgchange -an ${this.vg}`);
    for (const loop of this.loops) run("losetup", "-d", loop);
    rmSync(this.root, { recursive: true });
  }

  #words(command: string): string[] {
    const words = command.replaceAll(this.#shownAs, this.vg).match(/'[^']*'|\S+/g) ?? [];
    return words.map((word) => word.replaceAll("'", ""));
  }

  async #outcome(perform: (io: ReturnType<typeof recorder>) => Promise<number>): Promise<Outcome> {
    const io = recorder("");
    const code = await perform(io);
    const { stdout, stderr } = io.text();
    const shown = (text: string): string => text.replaceAll(this.vg, this.#shownAs);
    return { stdout: shown(stdout), stderr: shown(stderr), code };
  }
}
