/**
 * The directory of a session: one file per active LV. Every range is checked here, against the size
 * of the LV.
 *
 * Who has what open must be known after a restart too (an LV in use may not be deactivated), so
 * each OPEN and RELEASE hands the list to `onOpensChange` before it is answered. Handles make both
 * repeatable: see FuseSession.
 */
import { ELSEWHERE, Errno, FILE_NODE_MIN, PARKED } from "@mortar/fuse";
import type { FlatFiles } from "@mortar/fuse";
import { errnoOf } from "./errno-table.ts";
import { PoolError } from "./pool-error.ts";
import type { VolumeSpec } from "./spec.ts";
import type { RequestCounters, VolumeStatus } from "./status.ts";
import type { TransferLanes } from "./transfer-lanes.ts";
import type { VolumeBody } from "./volume.ts";

/** [handle, node] of every open file. */
export type OpenHandles = readonly (readonly [number, number])[];

export interface ServedVolume {
  readonly node: number;
  spec: VolumeSpec;
  body: VolumeBody;
  /** NBD connections that use it. */
  connections: number;
}

/** From here on copying takes longer than waking another thread. */
const LONG_BYTES = 128 * 1024;
const FILE_MODE = 0o100_600;
const READ_ONLY_MODE = 0o100_400;

export class ServedFiles implements FlatFiles {
  readonly counters = {
    reads: 0,
    readBytes: 0,
    writes: 0,
    writeBytes: 0,
    discards: 0,
    zeroes: 0,
    flushes: 0,
    elsewhere: 0,
    errors: 0,
  } satisfies { -readonly [K in keyof RequestCounters]: number };
  readonly #byName = new Map<string, ServedVolume>();
  readonly #byNode = new Map<number, ServedVolume>();
  readonly #opens: Map<number, number>;
  readonly #flush: () => number;
  readonly #lanes: TransferLanes;
  readonly #onOpensChange: (opens: OpenHandles) => void;
  readonly #onError: (subject: string, error: unknown) => void;
  readonly #mayWait: (error: unknown) => boolean;
  #last: ServedVolume | undefined;

  constructor(options: {
    readonly opens: OpenHandles;
    /** All that was acknowledged becomes durable. 0, or ELSEWHERE. */
    readonly flush: () => number;
    readonly lanes: TransferLanes;
    readonly onOpensChange: (opens: OpenHandles) => void;
    readonly onError: (subject: string, error: unknown) => void;
    /** Whether a request that met this error is to be PARKED. */
    readonly mayWait: (error: unknown) => boolean;
  }) {
    this.#opens = new Map(options.opens);
    this.#flush = options.flush;
    this.#lanes = options.lanes;
    this.#onOpensChange = options.onOpensChange;
    this.#onError = options.onError;
    this.#mayWait = options.mayWait;
  }

  // --- What the control socket changes ---

  get(name: string): VolumeSpec | undefined {
    return this.#byName.get(name)?.spec;
  }

  volume(name: string): ServedVolume | undefined {
    return this.#byName.get(name);
  }

  volumes(): ServedVolume[] {
    return [...this.#byName.values()];
  }

  /** Serve one more LV. The caller made sure that neither name nor device id is served. */
  add(spec: VolumeSpec, body: VolumeBody): void {
    const volume = { node: nodeOf(spec.deviceId), spec, body, connections: 0 };
    this.#byName.set(spec.name, volume);
    this.#byNode.set(volume.node, volume);
  }

  /** Change size, and the body if given. */
  update(name: string, spec: VolumeSpec, body?: VolumeBody): void {
    const volume = this.#byName.get(name);
    if (volume === undefined) throw new PoolError("not-found", `${name} is not active`);
    volume.spec = spec;
    if (body === undefined) return;
    volume.body.close();
    volume.body = body;
  }

  /** Throws PoolError `busy` while the file is open. */
  remove(name: string): void {
    const volume = this.#byName.get(name);
    if (volume === undefined) return;
    this.requireClosed(name);
    volume.body.close();
    this.#byName.delete(name);
    this.#byNode.delete(volume.node);
    this.#last = undefined;
  }

  requireClosed(name: string): void {
    const volume = this.#byName.get(name);
    if (volume === undefined || this.#openCount(volume.node) === 0) return;
    const next = "unmount it, detach its loop device, disconnect its NBD clients";
    throw new PoolError("busy", `${name} is in use: ${next}`);
  }

  isServed(deviceId: number): boolean {
    return this.#byNode.has(nodeOf(deviceId));
  }

  specs(): VolumeSpec[] {
    return [...this.#byName.values()].map((volume) => volume.spec);
  }

  status(mapped: (deviceId: number) => Partial<VolumeStatus>): VolumeStatus[] {
    return [...this.#byName.values()].map(({ spec, node }) => {
      const { name, deviceId, sizeBytes, readOnly } = spec;
      return {
        name,
        deviceId,
        sizeBytes,
        readOnly,
        openCount: this.#openCount(node),
        ...mapped(deviceId),
      };
    });
  }

  // --- What the kernel asks ---

  find(name: string): number {
    return this.#byName.get(name)?.node ?? 0;
  }

  list(): { name: string; node: number }[] {
    return [...this.#byName].map(([name, { node }]) => ({ name, node }));
  }

  describe(node: number): { sizeBytes: number; mode: number } | undefined {
    const volume = this.#byNode.get(node);
    if (volume === undefined) return undefined;
    return {
      sizeBytes: volume.spec.sizeBytes,
      mode: volume.spec.readOnly ? READ_ONLY_MODE : FILE_MODE,
    };
  }

  open(node: number, writes: boolean, handle: number): number {
    const volume = this.#byNode.get(node);
    if (volume === undefined) return Errno.ENOENT;
    if (writes && volume.spec.readOnly) return Errno.EROFS;
    this.#opens.set(handle, node);
    this.#onOpensChange([...this.#opens]);
    return 0;
  }

  release(_node: number, handle: number): void {
    if (this.#opens.delete(handle)) this.#onOpensChange([...this.#opens]);
  }

  read(node: number, offset: number, target: Uint8Array): number {
    const volume = this.#volume(node);
    if (volume === undefined) return Errno.ENOENT;
    if (offset + target.length > volume.spec.sizeBytes) return Errno.EINVAL;
    this.counters.reads += 1;
    this.counters.readBytes += target.length;
    const { body } = volume;
    const lanes = this.#lanes;
    const canGive = lanes.canGive;
    if (canGive && target.length >= LONG_BYTES && lanes.requestsWait) {
      if (body.place(offset, target.length, false)) {
        this.counters.elsewhere += 1;
        return lanes.giveRead(body.placeFd, body.placeOffset, target.length);
      }
    }
    if (body.read(offset, target, !canGive)) return 0;
    if (body.place(offset, target.length, false)) {
      this.counters.elsewhere += 1;
      return lanes.giveRead(body.placeFd, body.placeOffset, target.length);
    }
    body.read(offset, target, true);
    return 0;
  }

  write(node: number, offset: number, source: Uint8Array): number {
    const volume = this.#volume(node);
    if (volume === undefined) return Errno.ENOENT;
    if (volume.spec.readOnly) return Errno.EROFS;
    if (offset + source.length > volume.spec.sizeBytes) return Errno.EFBIG;
    this.counters.writes += 1;
    this.counters.writeBytes += source.length;
    const { body } = volume;
    const lanes = this.#lanes;
    if (source.length >= LONG_BYTES && lanes.canGive && lanes.requestsWait) {
      if (body.place(offset, source.length, true)) {
        this.counters.elsewhere += 1;
        return lanes.giveWrite(body.placeFd, body.placeOffset, source.length);
      }
    }
    body.write(offset, source);
    return 0;
  }

  discard(node: number, offset: number, lengthBytes: number): number {
    const volume = this.#volume(node);
    const refusal = refuseRange(volume, offset, lengthBytes);
    if (refusal !== 0) return refusal;
    this.counters.discards += 1;
    volume!.body.discard(offset, lengthBytes);
    return 0;
  }

  zero(node: number, offset: number, lengthBytes: number): number {
    const volume = this.#volume(node);
    const refusal = refuseRange(volume, offset, lengthBytes);
    if (refusal !== 0) return refusal;
    this.counters.zeroes += 1;
    volume!.body.zero(offset, lengthBytes);
    return 0;
  }

  flush(node: number): number {
    if (this.#volume(node) === undefined) return Errno.ENOENT;
    this.counters.flushes += 1;
    const errno = this.#flush();
    if (errno === ELSEWHERE) this.counters.elsewhere += 1;
    return errno;
  }

  errnoOf(error: unknown): number {
    if (this.#mayWait(error)) return PARKED;
    this.counters.errors += 1;
    this.#onError("request", error);
    return errnoOf(error);
  }

  #volume(node: number): ServedVolume | undefined {
    const last = this.#last;
    if (last !== undefined && last.node === node) return last;
    return (this.#last = this.#byNode.get(node));
  }

  #openCount(node: number): number {
    let count = this.#byNode.get(node)?.connections ?? 0;
    for (const opened of this.#opens.values()) if (opened === node) count += 1;
    return count;
  }
}

/**
 * The inode number of an LV's file: the same for ever, as the kernel remembers it across restarts.
 */
export function nodeOf(deviceId: number): number {
  return deviceId + FILE_NODE_MIN;
}

function refuseRange(
  volume: ServedVolume | undefined,
  offset: number,
  lengthBytes: number,
): number {
  if (volume === undefined) return Errno.ENOENT;
  if (volume.spec.readOnly) return Errno.EROFS;
  return lengthBytes === 0 || offset + lengthBytes > volume.spec.sizeBytes ? Errno.EINVAL : 0;
}
