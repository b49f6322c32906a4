/**
 * Thin snapshots in three parts, so that writers are held up for the middle one only:
 *
 *     prepare    the group is locked, its text has the new LV, with the pool's message (LVM's step 1)
 *     take       the pool performs the message: one commit (step 2)
 *     settle     the text without the message, and the lock is given back (step 3)
 *
 * Those of several bricks in one pool are one transaction, prepared with the first of them and
 * taken with whichever comes first. A group is locked by one transaction at a time: of several pools
 * of one group the first is prepared, the others' are made as a whole when they are taken. What is
 * prepared and not taken is given up by `abandon`, or when its time is over; when this process dies,
 * the next command on the group finishes it, and whoever undoes the snapshot removes its LV.
 */
import type { NodeEffects } from "@mortar/cluster";
import { VgError, type VolumeGroups } from "@mortar/vg";

export interface NewSnapshotLv {
  readonly vg: string;
  readonly origin: string;
  readonly name: string;
  readonly others?: NodeEffects["prepareSnapshotLv"]["args"]["others"];
}

interface Prepared {
  /** All that it makes, as VG/LV. */
  readonly keys: readonly string[];
  readonly go: (isTaken: boolean) => void;
  readonly taken: Promise<void>;
  readonly settled: Promise<void>;
  readonly timer: NodeJS.Timeout;
}

export interface SnapshotMomentsOptions {
  readonly groups: Pick<VolumeGroups, "createThinSnapshot">;
  /** The file system of this LV is held frozen: it is not to be frozen again. */
  readonly isFrozen: (vg: string, lv: string) => boolean;
}

export class SnapshotMoments {
  readonly #options: SnapshotMomentsOptions;
  readonly #prepared = new Map<string, Prepared>();

  constructor(options: SnapshotMomentsOptions) {
    this.#options = options;
  }

  async prepare(args: NodeEffects["prepareSnapshotLv"]["args"]): Promise<void> {
    const { vg, name, others = [], watchdogMs } = args;
    const key = `${vg}/${name}`;
    if (this.#prepared.has(key) || this.#isLocked(vg)) return;
    const keys = [key, ...others.map((it) => `${vg}/${it.name}`)];
    let ready: () => void = () => undefined;
    let go: (isTaken: boolean) => void = () => undefined;
    let done: () => void = () => undefined;
    const isReady = new Promise<void>((resolve) => (ready = resolve));
    const decision = new Promise<boolean>((resolve) => (go = resolve));
    const isDone = new Promise<void>((resolve) => (done = resolve));
    const settled = this.#make(args, async (take) => {
      ready();
      if (!(await decision)) throw new VgError("abandoned", `The snapshot ${key} was given up`);
      await take();
      done();
    });
    const timer = setTimeout(() => go(false), watchdogMs);
    // A failure before or in the middle of it is one of taking it.
    const taken = Promise.race([isDone, settled]);
    taken.catch(() => undefined);
    settled.catch(() => undefined);
    const prepared = { keys, go, taken, settled, timer };
    for (const each of keys) this.#prepared.set(each, prepared);
    try {
      await Promise.race([isReady, settled]);
    } catch (error) {
      this.#forget(key);
      throw error;
    }
  }

  async take(args: NewSnapshotLv): Promise<void> {
    const prepared = this.#prepared.get(`${args.vg}/${args.name}`);
    if (prepared === undefined) {
      await this.#make(args, undefined);
      return;
    }
    clearTimeout(prepared.timer);
    prepared.go(true);
    await prepared.taken;
  }

  /** Nothing is left to do for one that was made as a whole. */
  async settle({ vg, name }: Pick<NewSnapshotLv, "vg" | "name">): Promise<void> {
    const key = `${vg}/${name}`;
    const prepared = this.#prepared.get(key);
    if (prepared === undefined) return;
    try {
      await prepared.settled;
    } finally {
      this.#forget(key);
    }
  }

  /** One that was taken meanwhile stays. */
  async abandon({ vg, name }: Pick<NewSnapshotLv, "vg" | "name">): Promise<void> {
    const key = `${vg}/${name}`;
    const prepared = this.#prepared.get(key);
    prepared?.go(false);
    await prepared?.settled.catch(() => undefined);
    this.#forget(key);
  }

  #isLocked(vg: string): boolean {
    return [...this.#prepared.keys()].some((key) => key.startsWith(`${vg}/`));
  }

  #forget(key: string): void {
    const prepared = this.#prepared.get(key);
    clearTimeout(prepared?.timer);
    for (const each of prepared?.keys ?? []) this.#prepared.delete(each);
  }

  /**
   * Without a device: writers are held back meanwhile, and a device takes time to appear. The flag
   * that would keep `vgchange -ay` from it is not set; GlusterFS sets none.
   */
  async #make(
    { vg, origin, name, others }: NewSnapshotLv,
    hold: ((take: () => Promise<void>) => Promise<void>) | undefined,
  ): Promise<void> {
    await this.#options.groups.createThinSnapshot({
      vg,
      origin,
      name,
      others,
      setActivationSkip: false,
      activate: false,
      // What is prepared is frozen by the time that it is taken.
      freeze: hold === undefined && !this.#options.isFrozen(vg, origin),
      ...(hold === undefined ? {} : { hold }),
    });
  }
}
