/**
 * Reads and writes bricks' parts of snapshot streams, on this node or by asking another one. The work
 * is done by processes of their own, one a brick; what comes and goes is only handed through.
 *
 * An LV is read when a snapshot has it, and written when it was made to be received into: nothing else
 * can be had or changed by these ways. A new writer of an LV ends the one before it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ReadRequest, WriteRequest } from "@mortar/api";
import type { BrickDocument, ClusterState } from "@mortar/cluster";
import type { Groups } from "../effects/groups.ts";
import type { LvDeltas } from "../effects/lv-delta.ts";
import type { Log } from "../log.ts";
import type { ReadSpec } from "./read-host.ts";
import type { WriteSpec } from "./write-host.ts";

const READ_HOST = fileURLToPath(new URL("read-host.js", import.meta.url));
const WRITE_HOST = fileURLToPath(new URL("write-host.js", import.meta.url));
const SAID_MAX = 4096;

export type TransferKind = "read" | "write";

export interface TransfersOptions {
  readonly uuid: string;
  readonly groups: Pick<Groups, "activateLv" | "lvStatus">;
  readonly deltas: Pick<LvDeltas, "feed">;
  readonly state: () => ClusterState;
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

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** Frames. Throws `TransferRefused`. A failure later ends the stream with an error. */
  async read(asked: ReadRequest): Promise<Readable> {
    const { uuid, remote } = this.#options;
    if (asked.node !== uuid) return await remote(asked.node, "read", asked, undefined);
    const { vg, pool, lv, baseLv, brick, offset, sizeBytes, level } = asked;
    this.#require(vg, lv, snapshotBricks(this.#options.state()), "no snapshot's");
    const device = await this.#deviceOf(vg, lv);
    const kind = baseLv === undefined ? "full" : "delta";
    const spec: ReadSpec = { device, kind, brick, offset, sizeBytes, level };
    const child = this.#start(READ_HOST, spec, `${vg}/${lv}`);
    const request = { vg, pool, from: baseLv ?? lv, to: lv };
    this.#options.deltas.feed(request, child.stdin!).catch((error: unknown) => {
      this.#options.log.error({ err: error, lv: `${vg}/${lv}` }, "the mappings cannot be read");
      child.kill("SIGKILL");
    });
    return outputOf(child, `${vg}/${lv}`);
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
