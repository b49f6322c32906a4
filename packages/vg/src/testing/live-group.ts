/** A volume group of a test's own: a sparse file, a loop device, a run directory. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachLoop, detachLoop, listMounts, unmount } from "@mortar/linux";
import type { Dialogue } from "../pv-verbs.ts";
import { VolumeGroups, type VolumeGroupsOptions } from "../volume-groups.ts";

export const liveTestsSkip = process.getuid?.() === 0 ? false : "needs root";

const quiet: Dialogue = {
  say: () => undefined,
  confirm: async () => await Promise.resolve(true),
};

export interface LiveGroup {
  readonly name: string;
  readonly directory: string;
  /** The physical volumes' devices. */
  readonly devices: readonly string[];
  readonly warnings: string[];
  /** Another command on the same machine; with other options, such as a step to stop at. */
  open(options?: Partial<VolumeGroupsOptions>): Promise<VolumeGroups>;
  mount(device: string, options?: readonly string[]): string;
  /** Run one of LVM's own commands on these devices alone; returns its standard output. */
  lvm(tool: string, ...args: readonly string[]): string;
  close(): Promise<void>;
}

let count = 0;

/** `sizes`: bytes of each physical volume. */
export async function makeLiveGroup(sizes: readonly number[]): Promise<LiveGroup> {
  count += 1;
  const name = `mortar-vg-${process.pid}-${count}`;
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  const devices: string[] = [];
  for (const [index, size] of sizes.entries()) {
    const file = join(directory, `disk${index}`);
    closeSync(openSync(file, "w"));
    truncateSync(file, size);
    devices.push(await attachLoop({ backingPath: file }));
  }
  const warnings: string[] = [];
  const open = async (options: Partial<VolumeGroupsOptions> = {}) =>
    await VolumeGroups.open({
      runDirectory: join(directory, "run"),
      // These tests are about loop devices and servers, also where the kernel could do it.
      engine: "userspace",
      deviceFilter: (path) => devices.includes(path),
      warn: (sentence) => warnings.push(sentence),
      ...options,
    });
  const groups = await open();
  await groups.createVg({ name, devices }, quiet);
  return {
    name,
    directory,
    devices,
    warnings,
    open,
    mount: (device, options = []) => mountAt(directory, device, options),
    lvm: (tool, ...args) => runLvm(devices, tool, args),
    close: async () => {
      for (const mount of listMounts().toReversed()) {
        if (!mount.path.startsWith(join(directory, "mnt"))) continue;
        await unmount(mount.path, { detach: true });
      }
      const leftOver = await (await open()).deactivateAll();
      for (const device of devices) await detachLoop(device);
      rmSync(directory, { recursive: true });
      if (leftOver.length > 0) throw new Error(JSON.stringify(leftOver));
    },
  };
}

function mountAt(directory: string, device: string, options: readonly string[]): string {
  const path = join(directory, "mnt", device.replaceAll("/", "-"));
  mkdirSync(path, { recursive: true });
  const list = options.length === 0 ? [] : ["-o", options.join(",")];
  const result = spawnSync("mount", [...list, device, path], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`mount ${device}: ${result.stderr}`);
  return path;
}

/** LVM without device-mapper reads and checks, and changes what needs no activation. */
function runLvm(devices: readonly string[], tool: string, args: readonly string[]): string {
  const filter = [...devices.map((path) => `"a|^${path}$|"`), '"r|.*|"'].join(",");
  const config =
    "activation{udev_sync=0 udev_rules=0 monitoring=0} " +
    "devices{obtain_device_list_from_udev=0 external_device_info_source=none " +
    `use_devicesfile=0 filter=[${filter}]} global{activation=0} backup{backup=0 archive=0}`;
  const result = spawnSync(tool, ["--config", config, ...args], {
    encoding: "utf8",
    env: { ...process.env, LVM_SUPPRESS_FD_WARNINGS: "1" },
  });
  if (result.status === 0) return result.stdout;
  throw new Error(`${tool} ${args.join(" ")}: ${result.status} ${result.stderr}`);
}

/** Run a program that must succeed; returns its standard output. */
export function run(program: string, ...args: readonly string[]): string {
  const result = spawnSync(program, args, { encoding: "utf8" });
  if (result.status === 0) return result.stdout;
  throw new Error(`${program} ${args.join(" ")}: ${result.status} ${result.stderr}`);
}
