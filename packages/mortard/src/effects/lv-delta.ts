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
import type { LvDelta, LvRange, NodeEffects } from "@mortar/cluster";
import { commandLineProgram } from "../pool-policy.ts";

type Request = NodeEffects["lvDelta"]["args"];

const SECTOR_BYTES = 512;
const DELTA_MS_MAX = 100_000;
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
    const pool = `${request.vg}/${request.pool}`;
    const before = this.#queues.get(pool) ?? Promise.resolve();
    const endMs = performance.now() + DELTA_MS_MAX;
    const own = before.then(async () => {
      return await readDelta(this.#root, request, endMs - performance.now());
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

async function readDelta(root: string, request: Request, leftMs: number): Promise<LvDelta> {
  if (leftMs < 1) throw new Error(`Thin pool ${request.vg}/${request.pool} is busy: try again`);
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
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const sums = new DeltaSums(request.rangesMax);
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    sums.take(line);
  });
  const code = await ended;
  if (code === 0) return sums.result();
  const reason = said.trim() || (code === null ? "it was ended" : `exit code ${code}`);
  throw new Error(`Comparing ${vg}/${from} with ${vg}/${to}: ${reason}`);
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

  constructor(rangesMax: number) {
    this.#rangesMax = rangesMax;
  }

  take(line: string): void {
    if (line === "]}") this.#isWhole = true;
    else if (line.startsWith("{\"kind\"")) this.#run(line.replace(/,$/, ""));
    else {
      const [, sectors] = /"dataBlockSectors":(\d{1,10})/.exec(line) ?? [];
      if (sectors !== undefined) this.#chunkBytes = Number(sectors) * SECTOR_BYTES;
    }
  }

  /** Throws when the end did not come. */
  result(): LvDelta {
    if (!this.#isWhole || this.#chunkBytes === 0) throw new Error("The comparison was cut off");
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
    const run = JSON.parse(line) as { kind: string; begin: number; length: number };
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
