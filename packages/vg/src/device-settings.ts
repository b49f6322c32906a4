/**
 * Which devices are scanned for physical volumes, for everybody who opens groups:
 *
 *     ROOT/etc/mortar/mortar.json   { "devices": ["/dev/loop0", "/dev/sd*"] }
 *
 * A final `*` stands for anything. Without the file, or without the key, every device is scanned.
 */
import { readFileSync } from "node:fs";
import { isErrno } from "@mortar/linux";
import { VgError } from "./vg-error.ts";

/** Undefined: every device. Throws VgError "damaged". */
export function readDeviceFilter(path: string): ((devicePath: string) => boolean) | undefined {
  const patterns = readDevices(path);
  if (patterns === undefined) return undefined;
  return (devicePath) =>
    patterns.some((pattern) =>
      pattern.endsWith("*") ? devicePath.startsWith(pattern.slice(0, -1)) : devicePath === pattern,
    );
}

/** Of the same list: what is not under /dev, and so is a plain file if anything. */
export function readPlainFiles(path: string): readonly string[] {
  return (readDevices(path) ?? []).filter((one) => !one.startsWith("/dev/"));
}

function readDevices(path: string): readonly string[] | undefined {
  let configuration: unknown;
  try {
    configuration = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new VgError("damaged", `${path}: ${(error as Error).message}`, { cause: error });
  }
  const devices = (configuration as { devices?: unknown } | null)?.devices;
  if (devices === undefined) return undefined;
  if (!Array.isArray(devices) || devices.some((one) => typeof one !== "string")) {
    throw new VgError("damaged", `${path}: "devices" must be a list of device paths.`);
  }
  return devices as string[];
}
