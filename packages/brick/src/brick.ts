/**
 * One brick: its directory, what is open, what is counted. Requests are functions over it.
 */
import { Barrier, IoStats } from "@mortar/brick-services";
import { closeBrickDirectory, openBrickDirectory } from "./store/brick-directory.ts";
import type { BrickDirectory } from "./store/brick-directory.ts";
import { Entries } from "./store/entries.ts";
import { KNOWN } from "./store/inode-table.ts";
import { Objects } from "./store/objects.ts";
import { OpenFiles } from "./store/open-files.ts";
import type { OpenFile, OpenInode } from "./store/open-files.ts";
import { ParentLinks } from "./store/parent-link.ts";
import { calls } from "./store/scratch.ts";
import { SpaceWatch } from "./store/space-watch.ts";
import { BrickLocks } from "./services/brick-locks.ts";
import { CatchingUp } from "./services/catching-up.ts";
import { HealIndex, indexWatch } from "./services/heal-index.ts";
import { SeenNames } from "./services/seen-names.ts";
import { IndexDirectory } from "./store/index-directory.ts";
import { Leases } from "./services/leases.ts";
import { TopCounts } from "./services/top-counts.ts";
import { Upcalls } from "./services/upcalls.ts";
import type { Tell } from "./services/upcalls.ts";
import { completeOptions } from "./options.ts";
import type { BrickOptions } from "./options.ts";
import { LockDrain } from "./services/lock-drain.ts";
import { MandatoryLocks } from "./services/mandatory-locks.ts";
import { Xdata } from "./wire/xdata.ts";
import type { NewObject } from "./store/new-object.ts";
import type { Call } from "./wire/call.ts";
import type { BrickSpec } from "./spec.ts";
import type { Connection } from "./server/connection.ts";
import { Patience } from "./server/patience.ts";
import type { Workers } from "./server/workers.ts";

const INODES = 65_536;
const DIRECTORIES = 4096;

/** A reply that the barrier holds: a whole record. */
export interface HeldReply {
  readonly connection: Connection;
  readonly record: Uint8Array;
}

export class Brick {
  spec: BrickSpec;
  /** Changed in place by `reconfigure`. */
  readonly options: BrickOptions;
  readonly directory: BrickDirectory;
  readonly openFiles = new OpenFiles();
  readonly objects: Objects;
  readonly entries: Entries;
  readonly index: HealIndex;
  readonly space: SpaceWatch;
  readonly workers: Workers;
  readonly patience = new Patience();
  /** The dictionary of the request that is being served. */
  readonly xdata = new Xdata();
  readonly newObject: NewObject;
  readonly locks = new BrickLocks();
  readonly drain = new LockDrain(this.locks);
  readonly mandatory: MandatoryLocks = new MandatoryLocks(this);
  readonly upcalls: Upcalls;
  readonly leases: Leases;
  readonly seenNames = new SeenNames();
  readonly catchingUp = new CatchingUp();
  /** Calls a client; the server sets it. */
  tell: Tell = () => undefined;
  readonly barrier = new Barrier<HeldReply>();
  readonly statistics = new IoStats(performance.now());
  readonly top = new TopCounts(INODES);
  /** Open flags of the last WRITE and of its file: the barrier asks. */
  lastWriteFlags = 0;
  /** The parent of a LOOKUP by name, whose name is in the scratch memory; -1: none. */
  lookupParent = -1;
  /** A descriptor that was opened for one request, closed behind it; -1 is none. */
  borrowed = -1;

  constructor(spec: BrickSpec, workers: Workers, call: Call) {
    this.spec = spec;
    this.options = completeOptions(spec.options);
    this.directory = openBrickDirectory(spec.path, spec.volumeId);
    this.objects = new Objects(this.directory, this.openFiles, {
      inodes: INODES, directories: DIRECTORIES, forgotten: (slot) => this.top.forget(slot),
    });
    this.entries = new Entries(this.objects, new ParentLinks(this.objects, this.options));
    this.index = new HealIndex(
      new IndexDirectory(this.directory.glusterfsFd), this.objects.table,
      indexWatch(this.options, spec.volume),
    );
    this.space = new SpaceWatch(this.directory.brickFd, this.options);
    this.workers = workers;
    const tell: Tell = (...words) => this.tell(...words);
    this.upcalls = new Upcalls(this, tell);
    this.leases = new Leases(this, tell);
    this.refreshOptions();
    this.newObject = {
      call, xdata: this.xdata, mode: 0, uid: 0, gid: 0, accessAcl: undefined,
      defaultAcl: undefined,
    };
  }

  /** The options have changed. */
  refreshOptions(): void {
    this.barrier.timeoutMs = this.options.barrierSeconds * 1000;
    this.locks.refresh(this.options);
    this.upcalls.refresh();
    this.leases.refresh();
    this.space.forgetCheck();
  }

  /** Who has an object open. */
  openOf(slot: number): OpenInode | undefined {
    return this.openFiles.find(this.objects.table.words, 4 * slot);
  }

  closeFile(file: OpenFile): void {
    this.locks.closeDescriptor(file);
    this.workers.forgetSource(file.fd);
    if (!file.isDirectory) this.top.closed();
    if (!this.openFiles.close(file)) return;
    this.entries.removeUnlinked(file.inode);
    const slot = this.objects.table.find(file.inode.gfid, 0);
    if (slot >= 0 && this.objects.table.has(slot, KNOWN.unlinked)) this.objects.table.forget(slot);
  }

  /** The slot of an open file's object. */
  slotOf(file: OpenFile): number {
    return this.objects.resolve(file.inode.gfid, 0);
  }

  returnBorrowed(): void {
    if (this.borrowed < 0) return;
    this.workers.forgetSource(this.borrowed);
    calls.close(this.borrowed);
    this.borrowed = -1;
  }

  close(): void {
    closeBrickDirectory(this.directory);
  }
}
