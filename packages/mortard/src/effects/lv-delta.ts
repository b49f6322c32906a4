/**
 * In which chunks two LVs of a pool differ. `mortar pool delta` reads the metadata, in a process of
 * its own: the trees of a large pool are long, and the daemon must not wait for them. It writes one
 * run a line, which are joined here as they come, so that memory is bounded.
 *
 * A pool can hold its metadata for one reader at a time, so requests for one pool form a queue. The
 * time limit counts from the request on, waiting included. A reader that is ended by it leaves the
 * metadata held, and the next one takes that over.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { LvDelta, LvRange, NodeEffects } from "@mortar/cluster";
import { commandLineProgram } from "../pool-policy.ts";
import { chunkSectorsOf, deltaLineOf, isDeltaLine } from "./delta-run.ts";

type Request = NodeEffects["lvDelta"]["args"];
type Pair = Pick<Request, "vg" | "pool" | "from" | "to">;

const SECTOR_BYTES = 512;
const DELTA_MS_MAX = 100_000;
/** Whoever sends a snapshot waits for longer than whoever asks what differs. */
const FEED_MS_MAX = 600_000;
const SAID_MAX = 4096;
/** The words of `mortar pool delta --json`; `same` is not a change. */
const kinds: Readonly<Record<string, LvRange["kind"]>> = {
  different: "written", right_only: "written", left_only: "discarded",
};

export class LvDeltas {
  readonly #root: string;
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(root: string) {
    this.#root = root;
  }

  async delta(request: Request): Promise<LvDelta> {
    return await this.#inTurn(request, DELTA_MS_MAX, async (leftMs) => {
      const sums = new DeltaSums(request.rangesMax);
      const child = startDelta(this.#root, request, leftMs);
      createInterface({ input: child.output }).on("line", (line) => {
        sums.take(line);
      });
      await child.ended;
      return sums.result();
    });
  }

  /** All lines, as they are. Rejects when they did not come to their end; `into` is ended. */
  async feed(request: Pair, into: Writable): Promise<void> {
    await this.#inTurn(request, FEED_MS_MAX, async (leftMs) => {
      const child = startDelta(this.#root, request, leftMs);
      child.output.pipe(into);
      await child.ended;
    });
  }

  async #inTurn<T>(
    { vg, pool: name }: Pair, msMax: number, work: (leftMs: number) => Promise<T>,
  ): Promise<T> {
    const pool = `${vg}/${name}`;
    const before = this.#queues.get(pool) ?? Promise.resolve();
    const endMs = performance.now() + msMax;
    const own = before.then(async () => {
      const leftMs = endMs - performance.now();
      if (leftMs < 1) throw new Error(`Thin pool ${pool} is busy: try again`);
      return await work(leftMs);
    });
    // The next in the queue does not care how this one ended.
    const settled = own.catch(() => undefined);
    this.#queues.set(pool, settled);
    try {
      return await own;
    } finally {
      if (this.#queues.get(pool) === settled) this.#queues.delete(pool);
    }
  }
}

/** `ended` rejects with the reason of a failure. */
function startDelta(
  root: string, request: Pair, leftMs: number,
): { readonly output: Readable; readonly ended: Promise<void> } {
  const program = commandLineProgram();
  if (program === undefined) throw new Error("The mortar program is not installed beside mortard");
  const { vg, pool, from, to } = request;
  const words = ["--root", root, "pool", "delta", `${vg}/${pool}`, from, to, "--json"];
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ["ignore", "pipe", "pipe"], timeout: Math.ceil(leftMs), cwd: "/",
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (said.length < SAID_MAX) said += chunk.toString();
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      const reason = said.trim() || (code === null ? "it was ended" : `exit code ${code}`);
      if (code === 0) resolve();
      else reject(new Error(`Comparing ${vg}/${from} with ${vg}/${to}: ${reason}`));
    });
  });
  return { output: child.stdout, ended };
}

/** Joins the runs of `mortar pool delta --json`, line by line. */
export class DeltaSums {
  readonly #rangesMax: number;
  readonly #ranges: LvRange[] = [];
  #chunkBytes = 0;
  #rangeCount = 0;
  readonly #bytes = { written: 0, discarded: 0 };
  #pending: { kind: LvRange["kind"]; offset: number; length: number } | undefined;
  #isWhole = false;
  #isCutOff = false;

  constructor(rangesMax: number) {
    this.#rangesMax = rangesMax;
  }

  /** Does not throw: what cannot be read is the end, which `result` tells of. */
  take(line: string): void {
    if (line === "]}") this.#isWhole = true;
    else if (isDeltaLine(line)) this.#run(line);
    else this.#chunkBytes = (chunkSectorsOf(line) ?? 0) * SECTOR_BYTES || this.#chunkBytes;
  }

  /** Throws when the end did not come. */
  result(): LvDelta {
    const isBroken = this.#isCutOff || !this.#isWhole || this.#chunkBytes === 0;
    if (isBroken) throw new Error("The comparison was cut off");
    this.#finish();
    return {
      chunkBytes: this.#chunkBytes,
      writtenBytes: this.#bytes.written,
      discardedBytes: this.#bytes.discarded,
      rangeCount: this.#rangeCount,
      ranges: this.#ranges,
    };
  }

  #run(line: string): void {
    const run = deltaLineOf(line);
    if (run === undefined) {
      this.#isCutOff = true;
      return;
    }
    const kind = kinds[run.kind];
    if (kind === undefined) return;
    const offset = run.begin * this.#chunkBytes;
    const length = run.length * this.#chunkBytes;
    this.#bytes[kind] += length;
    const last = this.#pending;
    if (last?.kind === kind && last.offset + last.length === offset) {
      last.length += length;
      return;
    }
    this.#finish();
    this.#pending = { kind, offset, length };
  }

  #finish(): void {
    const last = this.#pending;
    if (last === undefined) return;
    this.#pending = undefined;
    this.#rangeCount += 1;
    if (this.#ranges.length < this.#rangesMax) this.#ranges.push(last);
  }
}
