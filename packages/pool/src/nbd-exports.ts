/**
 * Every LV that is served is an NBD export of the same name. A context
 * `mortar:changed-since:OTHER` tells in which chunks an LV differs from another one of the pool.
 */
import { PARKED as PARKED_FILE } from "@mortar/fuse";
import { NbdError, PARKED, PENDING } from "@mortar/nbd";
import type { NbdContext, NbdExport, NbdExports } from "@mortar/nbd";
import type { ServedFiles, ServedVolume } from "./served-files.ts";
import type { ServedPool } from "./served-pool.ts";
import type { VolumeBody } from "./volume.ts";
import { changedRun, mappedRun } from "./volume-runs.ts";

export const CHANGED_SINCE = "mortar:changed-since:";
/** As QEMU's dirty bitmaps: 1 is dirty. */
const DIRTY = 1;
const CLEAN = 0;
const PREFERRED_BYTES = 4096;
const PIECE_BYTES = 64 * 1024;
const ZEROS = new Uint8Array(1024 * 1024);

const KNOWN_ERRORS: ReadonlySet<number> = new Set(Object.values(NbdError));
const EROFS = 30;
const EFBIG = 27;

/** What exports need of the worker that serves them. */
export interface ExportHost {
  readonly vgName: string;
  readonly files: ServedFiles;
  readonly pool: Pick<ServedPool, "settings">;
  /** Whether the request that met this error is to be parked instead of failing. */
  readonly mayWait: (error: unknown) => boolean;
  /**
   * Everything that was acknowledged, by whatever way it came, becomes durable. False when the
   * connection is told later.
   */
  readonly flush: () => boolean;
}

export class ServedExports implements NbdExports {
  readonly #host: ExportHost;
  readonly #visible: ReadonlySet<string> | undefined;

  /** `visible`: names of LVs, all without it. */
  constructor(host: ExportHost, visible?: readonly string[]) {
    this.#host = host;
    this.#visible = visible && new Set(visible);
  }

  list(): { name: string; description: string }[] {
    return this.#volumes().map(({ spec }) => ({
      name: spec.name,
      description: this.#describe(spec.name),
    }));
  }

  open(name: string): NbdExport | undefined {
    const volumes = this.#volumes();
    const volume =
      name === "" && volumes.length === 1
        ? volumes[0]
        : volumes.find((each) => each.spec.name === name);
    if (volume === undefined) return undefined;
    return new OpenExport(this.#host, volume, this.#describe(volume.spec.name));
  }

  contextNames(exported: NbdExport): string[] {
    if ((exported as OpenExport).volume.body.chunkBytes === undefined) return [];
    return this.#host.files
      .volumes()
      .filter(({ spec, body }) => spec.name !== exported.name && body.chunkBytes !== undefined)
      .map(({ spec }) => CHANGED_SINCE + spec.name);
  }

  context(exported: NbdExport, name: string): NbdContext | undefined {
    if (!this.contextNames(exported).includes(name)) return undefined;
    const base = this.#host.files.volume(name.slice(CHANGED_SINCE.length))!;
    const open = exported as OpenExport;
    open.use(base);
    return {
      name,
      run: (offset, lengthBytes) =>
        changedRun(open.volume.body, base.body, offset, lengthBytes),
      positiveState: DIRTY,
      negativeState: CLEAN,
    };
  }

  errorOf(error: unknown): number {
    return nbdErrorOf(this.#host.files.errnoOf(error));
  }

  #volumes(): ServedVolume[] {
    const all = this.#host.files.volumes();
    return all.filter(({ spec }) => this.#visible?.has(spec.name) !== false);
  }

  #describe(name: string): string {
    return `${this.#host.vgName}/${name}`;
  }
}

/** The LV as one connection uses it: it can be neither deactivated nor removed meanwhile. */
class OpenExport implements NbdExport {
  readonly name: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly preferredBytes = PREFERRED_BYTES;
  readonly description: string;
  readonly pieceBytes: number;
  readonly volume: ServedVolume;
  readonly #host: ExportHost;
  readonly #used: ServedVolume[] = [];

  constructor(host: ExportHost, volume: ServedVolume, description: string) {
    const { name, sizeBytes, readOnly } = volume.spec;
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.readOnly = readOnly;
    this.description = description;
    this.pieceBytes = volume.body.chunkBytes ?? PIECE_BYTES;
    this.volume = volume;
    this.#host = host;
    this.use(volume);
  }

  use(volume: ServedVolume): void {
    volume.connections += 1;
    this.#used.push(volume);
  }

  close(): void {
    for (const volume of this.#used.splice(0)) volume.connections -= 1;
  }

  read(offset: number, target: Uint8Array): number {
    if (offset + target.length > this.volume.spec.sizeBytes) return NbdError.EINVAL;
    const { counters } = this.#host.files;
    counters.reads += 1;
    counters.readBytes += target.length;
    this.volume.body.read(offset, target, true);
    return 0;
  }

  run(offset: number, lengthBytes: number): number {
    return mappedRun(this.volume.body, offset, lengthBytes);
  }

  write(offset: number, source: Uint8Array): number {
    if (offset + source.length > this.volume.spec.sizeBytes) return NbdError.ENOSPC;
    const { counters } = this.#host.files;
    counters.writes += 1;
    counters.writeBytes += source.length;
    try {
      this.volume.body.write(offset, source);
    } catch (error) {
      return this.#parkedOr(error);
    }
    return 0;
  }

  flush(): number {
    this.#host.files.counters.flushes += 1;
    return this.#host.flush() ? 0 : PENDING;
  }

  trim(offset: number, lengthBytes: number): number {
    if (offset + lengthBytes > this.volume.spec.sizeBytes) return NbdError.EINVAL;
    this.#host.files.counters.discards += 1;
    this.volume.body.discard(offset, lengthBytes);
    return 0;
  }

  zero(offset: number, lengthBytes: number, provisioned: boolean): number {
    if (offset + lengthBytes > this.volume.spec.sizeBytes) return NbdError.ENOSPC;
    this.#host.files.counters.zeroes += 1;
    const { body } = this.volume;
    try {
      if (provisioned) writeZeros(body, offset, lengthBytes);
      else body.zero(offset, lengthBytes);
    } catch (error) {
      return this.#parkedOr(error);
    }
    return 0;
  }

  /** Chunks are unmapped; of what is less than one, or has to be written, a write is as fast. */
  zeroIsFast(_offset: number, lengthBytes: number, provisioned: boolean): boolean {
    const { zeroNewBlocks } = this.#host.pool.settings();
    return !provisioned && zeroNewBlocks && lengthBytes >= 2 * this.pieceBytes;
  }

  #parkedOr(error: unknown): number {
    if (this.#host.mayWait(error)) return PARKED;
    throw error;
  }
}

function writeZeros(body: VolumeBody, offset: number, lengthBytes: number): void {
  for (let done = 0; done < lengthBytes; done += ZEROS.length) {
    body.write(offset + done, ZEROS.subarray(0, Math.min(ZEROS.length, lengthBytes - done)));
  }
}

/** Of what ServedFiles.errnoOf says. The protocol has but a few. */
export function nbdErrorOf(errno: number): number {
  if (KNOWN_ERRORS.has(errno)) return errno;
  if (errno === PARKED_FILE) return NbdError.ENOSPC; // Who could wait was asked before.
  if (errno === EROFS) return NbdError.EPERM;
  return errno === EFBIG ? NbdError.ENOSPC : NbdError.EIO;
}
