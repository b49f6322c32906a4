/**
 * Opening a pool of 10 million mappings, as a process of its own: time until the engine has looked up a block of it,
 * and its memory. No peer: the kernel's own does this in the kernel.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ThinPool, restoreXml } from "../packages/thin/dist/index.js";
import { fileDevice, memoryJournal, nowhere, openFile, scatteredXml } from "./pool-files.mjs";
import { median, rounded } from "./rows.mjs";

const MAPPINGS = 10_000_000;
const DATA_BLOCKS = 12_000_000;
const METADATA_BYTES = 400 * 2 ** 20;
const CHUNK_BYTES = 64 * 1024;

export async function rows({ rounds }) {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "mortar-bench-"));
  const path = join(directory, "metadata");
  try {
    const metadata = fileDevice(path, { sizeBytes: METADATA_BYTES });
    restoreXml({ metadata, read: scatteredXml({ mappings: MAPPINGS, dataBlocks: DATA_BLOCKS }) });
    metadata.close();
    const found = Array.from({ length: rounds }, () => measureApart(path));
    const seconds = median(found.map((each) => each.seconds));
    const mebibytes = median(found.map((each) => each.rssMiB));
    return [
      limit("open of a pool with 10 million mappings", seconds, 1, "s"),
      limit("memory after it", mebibytes, 256, "MiB"),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Against a limit instead of a peer. */
function limit(work, ours, most, unit) {
  return { work, ours: rounded(ours), peer: most, unit, ratio: rounded(most / ours), atLeast: 1, aim: 2, note: "a limit" };
}

function measureApart(path) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [import.meta.filename, path], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

if (process.argv[1] === import.meta.filename) {
  const begin = performance.now();
  const pool = ThinPool.open({
    metadata: openFile(process.argv[2]), data: nowhere(DATA_BLOCKS * CHUNK_BYTES), journal: memoryJournal(),
  });
  const device = pool.device(1);
  device.lookup(MAPPINGS - 1);
  const seconds = (performance.now() - begin) / 1000;
  console.log(JSON.stringify({ seconds, rssMiB: process.memoryUsage().rss / 2 ** 20 }));
}
