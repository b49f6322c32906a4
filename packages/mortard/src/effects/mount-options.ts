/** Mount options: from the kernel's table to text, from text to the arguments of mount(2). */
import type { MountFlag, MountPoint } from "@mortar/linux";

const FLAGS: ReadonlyMap<string, MountFlag> = new Map([
  ["ro", "readOnly"],
  ["nosuid", "noSuid"],
  ["nodev", "noDev"],
  ["noexec", "noExec"],
  ["noatime", "noAtime"],
  ["nodiratime", "noDirAtime"],
  ["relatime", "relatime"],
]);

/** Said by mount(8) and the kernel, understood by no file system. */
const IGNORED: ReadonlySet<string> = new Set(["rw", "defaults", "seclabel", ""]);

/** As /proc/mounts prints them: those of the mount, then those of the file system. */
export function mountOptionsOf(mount: MountPoint): string {
  const own = mount.superOptions.filter((option) => option !== "rw" && option !== "ro");
  return [...mount.options, ...own].filter((option) => option !== "").join(",");
}

export interface MountArguments {
  readonly flags: readonly MountFlag[];
  readonly data: string;
}

/** XFS refuses a second file system with the same uuid unless told `nouuid`. */
export function mountArguments(fsType: string, options: string): MountArguments {
  const flags: MountFlag[] = [];
  const data = new Set<string>();
  for (const option of options.split(",")) {
    const flag = FLAGS.get(option);
    if (flag !== undefined) flags.push(flag);
    else if (!IGNORED.has(option)) data.add(option);
  }
  if (fsType === "xfs") data.add("nouuid");
  return { flags, data: [...data].join(",") };
}
