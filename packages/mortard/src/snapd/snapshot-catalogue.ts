/**
 * The snapshots of a volume, and those of them that are open.
 *
 * The list is mortard's, asked for when it is older than a second; while mortard is away the last
 * one counts. A snapshot is opened when somebody looks into it: mortard activates it for that if it
 * is not, and takes it down again when no node's daemon has it open and nobody asked for it by name.
 * One that is not looked into for a while is closed. One that leaves the list is closed at once:
 * whoever has a file of it open gets ESTALE.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MortarClient } from "@mortar/api";
import type { GfapiPlace } from "@mortar/linux";
import type { Log } from "../log.ts";
import { Errno, FopError } from "./fop-error.ts";
import { OpenSnapshot } from "./open-snapshot.ts";
import type { SnapshotOperation, SnapshotOperations } from "./snapshot-messages.ts";
import { snapshotKey } from "./virtual-gfid.ts";

export interface ListedSnapshot {
  readonly name: string;
  readonly id: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Of its virtual gfids. */
  readonly key: Uint8Array;
}

export interface CatalogueOptions {
  readonly volume: string;
  readonly client: MortarClient;
  /** Where the management port of this node is. */
  readonly server: string;
  readonly port: number;
  readonly logFile: string;
  readonly idleMs: number;
  /** Who looks; absent: the snapshot daemon of the volume. */
  readonly reader?: "files";
  readonly log: Log;
}

interface Held {
  readonly snapshot: ListedSnapshot;
  readonly opening: Promise<OpenSnapshot>;
  opened: OpenSnapshot | undefined;
  usedAtMs: number;
}

const LIST_AGE_MAX_MS = 1_000;
const LOOK_MS = 2_000;
const FAREWELL_MS = 300;
const RELEASE_AGAIN_MS = 30_000;

export class SnapshotCatalogue {
  readonly #options: CatalogueOptions;
  readonly #held = new Map<string, Held>();
  /** Not looked into any more, and mortard could not let go of it, as while a node is away: when it is asked again, by id. */
  readonly #unreleased = new Map<string, number>();
  #list: readonly ListedSnapshot[] = [];
  #byName = new Map<string, ListedSnapshot>();
  #byId = new Map<string, ListedSnapshot>();
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #listing: Promise<void> | undefined;
  /** What mortard is being told of a snapshot: by its name. */
  readonly #telling = new Map<string, Promise<boolean>>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: CatalogueOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async all(): Promise<readonly ListedSnapshot[]> {
    await this.#refresh(LIST_AGE_MAX_MS);
    return this.#list;
  }

  /** One that is not in the list known is asked for at once: it may just have been taken. */
  async named(name: string): Promise<ListedSnapshot | undefined> {
    await this.#refresh(LIST_AGE_MAX_MS);
    if (!this.#byName.has(name)) await this.#refresh(0);
    return this.#byName.get(name);
  }

  isOpen(id: string): boolean {
    return this.#held.get(id)?.opened?.isGone === false;
  }

  /** The ids of those that are open, the last used one first. */
  openOnes(): ListedSnapshot[] {
    return [...this.#held.values()]
      .filter((it) => it.opened?.isGone === false)
      .sort((a, b) => b.usedAtMs - a.usedAtMs)
      .map((it) => it.snapshot);
  }

  /** Opens the snapshot if it has to. Rejects with FopError; ESTALE: there is no such snapshot. */
  async ask<Name extends SnapshotOperation>(
    id: string,
    operation: Name,
    args: SnapshotOperations[Name]["args"],
  ): Promise<SnapshotOperations[Name]["result"]> {
    const held = this.#held.get(id) ?? (await this.#open(id));
    held.usedAtMs = performance.now();
    try {
      const opened = await held.opening;
      return await opened.ask(operation, args);
    } catch (error) {
      if (error instanceof FopError && isLoss(error.errno)) await this.#afterLoss(id, held);
      throw error;
    }
  }

  /**
   * Mortard is told what is not looked into any more, and may do it later: it may be waiting for the
   * end of this process.
   */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const drops = [...this.#held.keys()].map((id) => this.#drop(id));
    await Promise.race([Promise.all(drops), sleep(FAREWELL_MS)]);
  }

  /** What a daemon before this one, which was killed, may have left activated. */
  async releaseLeftovers(): Promise<void> {
    for (const { name, id } of await this.all()) {
      if (!this.#held.has(id)) await this.#tell(name, false);
    }
  }

  async #open(id: string): Promise<Held> {
    await this.#refresh(LIST_AGE_MAX_MS);
    const snapshot = this.#byId.get(id);
    if (snapshot === undefined) throw new FopError(Errno.ESTALE);
    const present = this.#held.get(id);
    if (present !== undefined) return present;
    const opening = this.#start(snapshot);
    const held: Held = { snapshot, opening, opened: undefined, usedAtMs: performance.now() };
    this.#held.set(id, held);
    void this.#opened(id, held);
    return held;
  }

  async #opened(id: string, held: Held): Promise<void> {
    try {
      held.opened = await held.opening;
    } catch {
      // Whoever asked is told; the next one tries again.
      this.#held.delete(id);
    }
  }

  async #start(snapshot: ListedSnapshot): Promise<OpenSnapshot> {
    const { volume, server, port, logFile, log } = this.#options;
    if (!(await this.#tell(snapshot.name, true))) throw new FopError(Errno.ENOTCONN);
    const place: GfapiPlace = { volume: `/snaps/${snapshot.name}/${volume}`, server, port, logFile };
    const opened = await OpenSnapshot.open(place);
    log.info({ snapshot: snapshot.name }, "snapshot opened");
    return opened;
  }

  /** Whether mortard did it. One after the other of a snapshot: the last word counts. */
  async #tell(snapshot: string, open: boolean): Promise<boolean> {
    const before = this.#telling.get(snapshot) ?? Promise.resolve(true);
    const turn = before.then(() => this.#tellNow(snapshot, open));
    this.#telling.set(snapshot, turn);
    try {
      return await turn;
    } finally {
      if (this.#telling.get(snapshot) === turn) this.#telling.delete(snapshot);
    }
  }

  async #tellNow(snapshot: string, open: boolean): Promise<boolean> {
    const { client, log, reader } = this.#options;
    try {
      const answer = await client.snapshotView(snapshot, { open, ...(reader && { reader }) });
      if (answer.ok) return true;
      log.warn({ snapshot, open, problem: answer.problem.detail }, "mortard refused");
    } catch (error) {
      log.warn({ snapshot, open, err: error }, "mortard does not answer");
    }
    return false;
  }

  /** It was deleted, or deactivated, or its bricks died: what is open is of no use any more. */
  async #afterLoss(id: string, held: Held): Promise<void> {
    await this.#refresh(0);
    if (this.#held.get(id) === held) void this.#drop(id);
  }

  async #drop(id: string): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    const { name } = held.snapshot;
    const begunMs = performance.now();
    await held.opened?.close();
    const tookMs = Math.round(performance.now() - begunMs);
    this.#options.log.info({ snapshot: name, tookMs }, "snapshot closed");
    // It may have been opened anew meanwhile.
    if (this.#byId.has(id) && !this.#held.has(id)) await this.#release(id, name);
  }

  async #release(id: string, name: string): Promise<void> {
    if (await this.#tell(name, false)) this.#unreleased.delete(id);
    else this.#unreleased.set(id, performance.now() + RELEASE_AGAIN_MS);
  }

  async #look(): Promise<void> {
    if (this.#held.size === 0 && this.#unreleased.size === 0) return;
    await this.#refresh(0);
    const now = performance.now();
    for (const [id, atMs] of this.#unreleased) {
      const snapshot = this.#byId.get(id);
      if (snapshot === undefined || this.#held.has(id)) this.#unreleased.delete(id);
      else if (now >= atMs) {
        this.#unreleased.set(id, now + RELEASE_AGAIN_MS);
        void this.#release(id, snapshot.name);
      }
    }
    for (const [id, { opened, usedAtMs }] of this.#held) {
      if (opened === undefined) continue;
      const isIdle = now - usedAtMs > this.#options.idleMs;
      if (isIdle || opened.isGone || !this.#byId.has(id)) void this.#drop(id);
    }
  }

  /** One question at a time; who comes meanwhile takes its answer. */
  async #refresh(ageMaxMs: number): Promise<void> {
    if (performance.now() - this.#listedAtMs <= ageMaxMs) return;
    this.#listing ??= this.#fetch().finally(() => {
      this.#listing = undefined;
    });
    await this.#listing;
  }

  async #fetch(): Promise<void> {
    const { client, volume, log } = this.#options;
    try {
      const answer = await client.snapshotList({ volume });
      if (!answer.ok) return;
      const present = answer.result.filter(({ deleting }) => deleting === undefined);
      this.#list = present.map(({ name, uuid, createdAt }) => ({
        name, id: uuid, createdAt, key: this.#byId.get(uuid)?.key ?? snapshotKey(uuid),
      }));
      this.#byName = new Map(this.#list.map((it) => [it.name, it]));
      this.#byId = new Map(this.#list.map((it) => [it.id, it]));
      this.#listedAtMs = performance.now();
    } catch (error) {
      log.debug({ err: error }, "mortard does not answer: the last list counts");
    }
  }
}

function isLoss(errno: number): boolean {
  return errno === Errno.ENOTCONN || errno === Errno.ETIMEDOUT;
}
