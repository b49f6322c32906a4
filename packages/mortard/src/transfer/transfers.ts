/**
 * Reads and writes bricks' parts of snapshot streams, on this node or by asking another one. The work
 * is done by processes of their own, one a brick; what comes and goes is only handed through.
 *
 * An LV is read when a snapshot has it, and written when it was made to be received into: nothing else
 * can be had or changed by these ways. A new writer of an LV ends the one before it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DigestRequest, ReadRequest, WriteRequest } from "@mortar/api";
import type { BrickDocument, ClusterState } from "@mortar/cluster";
import type { Groups } from "../effects/groups.ts";
import type { LvDeltas } from "../effects/lv-delta.ts";
import type { Log } from "../log.ts";
import { BookmarkFiles } from "./bookmark-files.ts";
import type { DigestSpec } from "./digest-host.ts";
import type { ReadSpec } from "./read-host.ts";
import type { WriteSpec } from "./write-host.ts";

const READ_HOST = fileURLToPath(new URL("read-host.js", import.meta.url));
const WRITE_HOST = fileURLToPath(new URL("write-host.js", import.meta.url));
const DIGEST_HOST = fileURLToPath(new URL("digest-host.js", import.meta.url));
const SAID_MAX = 4096;
const SEEN_MS_MAX = 10_000;
const SEEN_LOOK_MS = 50;

export type TransferKind = "read" | "write" | "digest";

export interface TransfersOptions {
  readonly uuid: string;
  readonly groups: Pick<Groups, "activateLv" | "lvStatus">;
  readonly deltas: Pick<LvDeltas, "feed">;
  readonly state: () => ClusterState;
  /** Where the digests of bookmarks are. */
  readonly bookmarks: string;
  /** The answer of another node, which is given `body`. */
  readonly remote: (
    node: string, kind: TransferKind, asked: object, body: Readable | undefined,
  ) => Promise<Readable>;
  readonly log: Log;
}

/** Nothing was begun; said to whoever asked. */
export class TransferRefused extends Error {
  override readonly name = "TransferRefused";
}

export class Transfers {
  readonly #options: TransfersOptions;
  readonly #children = new Set<ChildProcess>();
  readonly #writers = new Map<string, ChildProcess>();

  readonly #bookmarks: BookmarkFiles;

  constructor(options: TransfersOptions) {
    this.#options = options;
    const { bookmarks, uuid, state, log } = options;
    this.#bookmarks = new BookmarkFiles({ directory: bookmarks, uuid, state, log });
  }

  /** Frames. Throws `TransferRefused`. A failure later ends the stream with an error. */
  async read(asked: ReadRequest): Promise<Readable> {
    const { uuid, remote } = this.#options;
    if (asked.node !== uuid) return await remote(asked.node, "read", asked, undefined);
    const { vg, pool, lv, baseLv, bookmark, brick, offset, sizeBytes, level } = asked;
    this.#require(vg, lv, snapshotBricks(this.#options.state()), "no snapshot's");
    const device = await this.#deviceOf(vg, lv);
    const kind = baseLv === undefined && bookmark === undefined ? "full" : "delta";
    const digests = bookmark === undefined ? {} : { digests: this.#bookmarks.path(bookmark) };
    const spec: ReadSpec = { device, kind, brick, offset, sizeBytes, level, ...digests };
    const child = this.#start(READ_HOST, spec, `${vg}/${lv}`);
    this.#feed(child, { vg, pool, from: baseLv ?? lv, to: lv });
    return outputOf(child, `${vg}/${lv}`);
  }

  /** Lines of progress, while the digests of a bookmark that is begun are made. Throws `TransferRefused`. */
  async digest(asked: DigestRequest): Promise<Readable> {
    const { uuid, remote } = this.#options;
    if (asked.node !== uuid) return await remote(asked.node, "digest", asked, undefined);
    const { vg, pool, lv, bookmark, sizeBytes } = asked;
    this.#require(vg, lv, snapshotBricks(this.#options.state()), "no snapshot's");
    await this.#seen(bookmark.id);
    const device = await this.#deviceOf(vg, lv);
    const spec: DigestSpec = { device, sizeBytes, file: this.#bookmarks.path(bookmark) };
    const child = this.#start(DIGEST_HOST, spec, `${vg}/${lv}`);
    this.#feed(child, { vg, pool, from: lv, to: lv });
    return outputOf(child, `${vg}/${lv}`);
  }

  #feed(child: ChildProcess, of: { vg: string; pool: string; from: string; to: string }): void {
    this.#options.deltas.feed(of, child.stdin!).catch((error: unknown) => {
      this.#options.log.error({ err: error, lv: `${of.vg}/${of.to}` }, "the mappings cannot be read");
      child.kill("SIGKILL");
    });
  }

  /** Another node began it; a file whose bookmark this one does not know yet would be removed. */
  async #seen(id: string): Promise<void> {
    const endMs = performance.now() + SEEN_MS_MAX;
    while (performance.now() < endMs) {
      for (const { document } of this.#options.state().bookmarks.values()) {
        if (document.id === id && !document.isComplete) return;
      }
      await sleep(SEEN_LOOK_MS);
    }
    throw new TransferRefused(`The bookmark ${id} is not being made`);
  }

  /** Lines of progress. Throws `TransferRefused`. */
  async write(asked: WriteRequest, body: Readable): Promise<Readable> {
    const { uuid, remote } = this.#options;
    if (asked.node !== uuid) return await remote(asked.node, "write", asked, body);
    const { vg, lv, kind, brick, offset, sizeBytes } = asked;
    this.#require(vg, lv, incomingBricks(this.#options.state()), "not to be received into");
    const device = await this.#deviceOf(vg, lv);
    await this.#endWriter(`${vg}/${lv}`);
    const spec: WriteSpec = { device, kind, brick, offset, sizeBytes };
    const child = this.#start(WRITE_HOST, spec, `${vg}/${lv}`);
    this.#writers.set(`${vg}/${lv}`, child);
    const input = child.stdin!;
    body.pipe(input);
    // Whoever sent is gone: what has come is kept, and the writer ends.
    body.once("close", () => void input.end());
    return outputOf(child, `${vg}/${lv}`);
  }

  close(): void {
    this.#bookmarks.close();
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #require(vg: string, lv: string, bricks: Iterable<BrickDocument>, what: string): void {
    for (const { node, thin } of bricks) {
      if (node === this.#options.uuid && thin?.vg === vg && thin.lv === lv) return;
    }
    throw new TransferRefused(`The logical volume ${vg}/${lv} is ${what}`);
  }

  async #deviceOf(vg: string, lv: string): Promise<string> {
    const { groups } = this.#options;
    await groups.activateLv({ vg, lv });
    const device = (await groups.lvStatus({ vg, lv }))?.devicePath;
    if (device !== undefined) return device;
    throw new TransferRefused(`${vg}/${lv} has no device after its activation`);
  }

  async #endWriter(lv: string): Promise<void> {
    const former = this.#writers.get(lv);
    if (former === undefined || former.exitCode !== null || former.signalCode !== null) return;
    const ended = new Promise((resolve) => former.once("close", resolve));
    former.kill("SIGKILL");
    await ended;
  }

  #start(program: string, spec: object, lv: string): ChildProcess {
    const child = spawn(process.execPath, [program, JSON.stringify(spec)], {
      stdio: ["pipe", "pipe", "pipe"], cwd: "/",
    });
    this.#children.add(child);
    let said = "";
    child.stderr.on("data", (part: Buffer) => {
      if (said.length < SAID_MAX) said += part.toString();
    });
    child.stdin.on("error", () => undefined);
    child.once("close", (code) => {
      this.#children.delete(child);
      if (this.#writers.get(lv) === child) this.#writers.delete(lv);
      if (code === 0 || said === "") return;
      this.#options.log.error({ lv, said: said.trim() }, "transfer failed");
    });
    return child;
  }
}

/** A reader that goes away takes the process with it; one that fails is no end of the stream. */
function outputOf(child: ChildProcess, lv: string): Readable {
  const output = child.stdout!;
  output.once("close", () => {
    if (child.exitCode === null) child.kill("SIGKILL");
  });
  child.once("error", (error) => output.destroy(error));
  child.once("exit", (code) => {
    if (code !== 0) output.destroy(new Error(`The transfer of ${lv} failed`));
  });
  return output;
}

function* snapshotBricks({ snapshots }: ClusterState): Generator<BrickDocument> {
  for (const { document } of snapshots.values()) {
    for (const { bricks } of document.volumes) yield* bricks;
  }
}

function* incomingBricks({ receives }: ClusterState): Generator<BrickDocument> {
  for (const { document } of receives.values()) yield* document.incoming?.bricks ?? [];
}
