/** The mapped devices of this machine as sysfs shows them: no ioctl, no device is opened. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isErrno } from "@mortar/linux";

export interface MappedDevice {
  readonly name: string;
  /** Empty when it was created without. */
  readonly uuid: string;
  /** "/dev/dm-4" */
  readonly path: string;
  /** "253:4" */
  readonly deviceNumber: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly suspended: boolean;
  /** Names of the devices built upon it: "dm-7". */
  readonly holders: readonly string[];
}

/** In the order of their minor numbers. `sysBlock` is another tree in tests. */
export function listMappedDevices(sysBlock = "/sys/block"): MappedDevice[] {
  let names: string[];
  try {
    names = readdirSync(sysBlock);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
  return names
    .flatMap((name) => (/^dm-\d+$/.test(name) ? (describe(sysBlock, name) ?? []) : []))
    .sort((a, b) => Number(a.path.slice(8)) - Number(b.path.slice(8)));
}

/** Undefined when it went away meanwhile. */
function describe(sysBlock: string, device: string): MappedDevice | undefined {
  const directory = join(sysBlock, device);
  try {
    const attribute = (name: string) => readFileSync(join(directory, name), "utf8").trimEnd();
    return {
      name: attribute("dm/name"),
      uuid: attribute("dm/uuid"),
      path: `/dev/${device}`,
      deviceNumber: attribute("dev"),
      sizeBytes: Number(attribute("size")) * 512,
      readOnly: attribute("ro") === "1",
      suspended: attribute("dm/suspended") === "1",
      holders: readdirSync(join(directory, "holders")),
    };
  } catch (error) {
    // EINVAL is what device-mapper's attributes say while their device goes.
    if (isErrno(error, "ENOENT", "ENODEV", "ENXIO", "EINVAL")) return undefined;
    throw error;
  }
}
