/**
 * The orders that device-mapper takes, one ioctl each, on /dev/mapper/control.
 *
 *     const dm = DeviceMapper.open();
 *     await dm.create({ name, uuid });
 *     await dm.load({ uuid }, linearTable(runs));
 *     await dm.resume({ uuid }, { hidden: false });     // the loaded table is live, the node there
 *
 * A suspend waits for requests under way, a resume of a thin pool reads its metadata, a message
 * commits: all of them run on threads of their own, and the caller bounds the wait. A failed order
 * is a LinuxError with the kernel's errno; why, the kernel says in its log only.
 */
import { closeSync, constants, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { declareAsync, isErrno } from "@mortar/linux";
import {
  decodeDependencies,
  decodeInfo,
  decodeInterfaceVersion,
  decodeTargets,
  decodeVersions,
  isBufferFull,
  type DeviceInfo,
  type Version,
} from "./answer.ts";
import {
  encodeMessage,
  encodeRequest,
  encodeTargets,
  encodeText,
  FLAG,
  ioctlNumber,
  type DeviceKey,
  type Request,
  type Target,
  type Verb,
} from "./request.ts";
import { ensureNode, removeNode, udevCookie } from "./udev.ts";

export const CONTROL = "/dev/mapper/control";
const CAPACITY_MIN = 16 << 10;
const CAPACITY_MAX = 16 << 20;
const REMOVE_TRIES = 25;
const REMOVE_PAUSE_MS = 40;

const ioctl = declareAsync("int ioctl(int fd, unsigned long request, void *argument)");

export interface SuspendOptions {
  /** Do not freeze the file system that is mounted from the device. */
  readonly skipLockFs?: boolean;
  /** Requests that the target holds back, as a full pool does, are kept and not waited for. */
  readonly noFlush?: boolean;
}

export class DeviceMapper {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** ENOENT, ENODEV or ENXIO: this kernel has no device-mapper. EACCES: not root. */
  static open(): DeviceMapper {
    return new DeviceMapper(openSync(CONTROL, constants.O_RDWR));
  }

  close(): void {
    closeSync(this.#fd);
  }

  async version(): Promise<Version> {
    return decodeInterfaceVersion(await this.#ask("version", "", {}));
  }

  /** A target's version; the kernel loads its module. Undefined when there is none. */
  async targetVersion(target: string): Promise<Version | undefined> {
    try {
      const request = { name: target };
      return decodeVersions(await this.#ask("targetVersion", target, request)).get(target);
    } catch (error) {
      // ENOTTY: older than 5.0, which shows only the targets that are loaded.
      if (!isErrno(error, "EINVAL", "ENOTTY", "ENOENT", "ENXIO")) throw error;
      return decodeVersions(await this.#ask("listVersions", target, {})).get(target);
    }
  }

  /** Undefined when there is no such device. */
  async info(key: DeviceKey): Promise<DeviceInfo | undefined> {
    try {
      return decodeInfo(await this.#ask("deviceStatus", subjectOf(key), key));
    } catch (error) {
      if (isErrno(error, "ENXIO")) return undefined;
      throw error;
    }
  }

  /** Without table and node. EBUSY: the name or the uuid is taken. */
  async create(device: { readonly name: string; readonly uuid: string }): Promise<DeviceInfo> {
    return decodeInfo(await this.#ask("create", device.name, device));
  }

  /** The table that the next resume makes live. */
  async load(key: DeviceKey, targets: readonly Target[], readOnly = false): Promise<void> {
    const payload = encodeTargets(targets);
    const flags = readOnly ? FLAG.readOnly : 0;
    const request = { ...key, flags, targetCount: targets.length, payload };
    await this.#ask("tableLoad", subjectOf(key), request);
  }

  /** Drop what was loaded and not made live. */
  async clear(key: DeviceKey): Promise<void> {
    await this.#ask("tableClear", subjectOf(key), { ...key });
  }

  /** Requests under way are finished, later ones wait until the resume. */
  async suspend(key: DeviceKey, options: SuspendOptions = {}): Promise<void> {
    const flags = FLAG.suspend | flagsOf(options);
    await this.#ask("suspend", subjectOf(key), { ...key, flags });
  }

  /**
   * Make the loaded table live, if there is one, and let requests through; the node is there. A
   * device that is not suspended is, for the moment of the change.
   */
  async resume(
    key: DeviceKey,
    options: SuspendOptions & { readonly hidden: boolean },
  ): Promise<DeviceInfo> {
    const request = { ...key, cookie: udevCookie(options.hidden), flags: flagsOf(options) };
    const info = decodeInfo(await this.#ask("suspend", subjectOf(key), request));
    await ensureNode(info.name, info.deviceNumber);
    return info;
  }

  /** udev and blkid open a device for a moment, so EBUSY is tried again for a second. */
  async remove(key: DeviceKey, options: { readonly hidden: boolean }): Promise<void> {
    const info = await this.info(key);
    if (info === undefined) return;
    const cookie = udevCookie(options.hidden);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#ask("remove", info.name, { ...key, cookie });
        break;
      } catch (error) {
        if (isErrno(error, "ENXIO")) break;
        if (!isErrno(error, "EBUSY") || attempt === REMOVE_TRIES) throw error;
        await sleep(REMOVE_PAUSE_MS);
      }
    }
    await removeNode(info.name);
  }

  /** May be in use meanwhile. */
  async rename(
    key: DeviceKey,
    name: string,
    options: { readonly hidden: boolean },
  ): Promise<void> {
    const info = await this.info(key);
    if (info === undefined || info.name === name) return;
    // The kernel looks for the device to be renamed by its name only.
    const request = { name: info.name, cookie: udevCookie(options.hidden) };
    await this.#ask("rename", info.name, { ...request, payload: encodeText(name) });
    await ensureNode(name, info.deviceNumber);
    await removeNode(info.name);
  }

  /** To the device's first target. */
  async message(key: DeviceKey, text: string): Promise<void> {
    const request = { ...key, payload: encodeMessage(text) };
    await this.#ask("targetMessage", `${subjectOf(key)}: ${text}`, request);
  }

  /** The live table. */
  async table(key: DeviceKey): Promise<Target[]> {
    const request = { ...key, flags: FLAG.statusTable | FLAG.noFlush };
    return decodeTargets(await this.#ask("tableStatus", subjectOf(key), request));
  }

  /** Without `noFlush` a thin pool commits first, so that its figures are those of now. */
  async status(key: DeviceKey, options: { readonly noFlush?: boolean } = {}): Promise<Target[]> {
    const flags = options.noFlush === true ? FLAG.noFlush : 0;
    return decodeTargets(await this.#ask("tableStatus", subjectOf(key), { ...key, flags }));
  }

  /** What the live table is built upon, as "8:1". */
  async dependencies(key: DeviceKey): Promise<string[]> {
    return decodeDependencies(await this.#ask("tableDeps", subjectOf(key), { ...key }));
  }

  /** The memory grows until the answer fits. */
  async #ask(verb: Verb, subject: string, request: Request): Promise<Uint8Array> {
    for (let capacity = CAPACITY_MIN; ; capacity *= 2) {
      const memory = encodeRequest(request, capacity);
      const what = `device-mapper ${verb} ${subject}`.trimEnd();
      await ioctl(what, this.#fd, ioctlNumber(verb), memory);
      if (!isBufferFull(memory)) return memory;
      if (capacity >= CAPACITY_MAX) {
        throw new RangeError(`device-mapper's answer for ${subject} exceeds ${capacity} bytes`);
      }
    }
  }
}

function flagsOf({ skipLockFs, noFlush }: SuspendOptions): number {
  return (skipLockFs === true ? FLAG.skipLockFs : 0) | (noFlush === true ? FLAG.noFlush : 0);
}

function subjectOf(key: DeviceKey): string {
  return "uuid" in key ? key.uuid : key.name;
}
