/**
 * `mortar pool check` against thin_check, whole processes, in turns: node bench/pool-check.mjs [RUNS] [--json]
 *
 * Both begin with nothing of the file in the page cache; thin_check reads past it anyhow. The second row is the
 * largest metadata there can be, nearly empty: what its maps alone cost, in memory above all.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync, fsyncSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { restoreXml } from "../packages/thin/dist/index.js";

const runs = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 5);
const main = new URL("../packages/cli/dist/main.js", import.meta.url).pathname;
const rss = "data:text/javascript,process.on('exit',()=>console.error(process.resourceUsage().maxRSS))";
const RUN_BLOCKS = 1000;
const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "mortar-bench-"));

/** Runs of a thousand blocks, each somewhere else in the pool. */
function makePool(path, { mappings, dataBlocks, metadataBytes }) {
  const fd = openSync(path, "w+");
  ftruncateSync(fd, metadataBytes);
  const metadata = {
    sizeBytes: metadataBytes,
    read: (offset, target) => readSync(fd, target, 0, target.length, offset),
    write: (offset, source) => writeSync(fd, source, 0, source.length, offset),
    discard() {},
    flush: () => fsyncSync(fd),
  };
  const count = mappings / RUN_BLOCKS;
  let index = -1;
  const read = () => {
    index += 1;
    if (index > count) return undefined;
    if (index === count) return "</device></superblock>";
    const head = `<superblock time="1" transaction="1" data_block_size="128" nr_data_blocks="${dataBlocks}">` +
      `<device dev_id="1" transaction="0" creation_time="0" snap_time="0">`;
    const begin = index * RUN_BLOCKS;
    const data = ((index * 7919) % count) * RUN_BLOCKS;
    return `${index === 0 ? head : ""}<range_mapping origin_begin="${begin}" data_begin="${data}" length="1000" time="0"/>`;
  };
  restoreXml({ metadata, read });
  closeSync(fd);
}

function seconds(command, args, path) {
  execFileSync("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
  const begin = performance.now();
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return { time: (performance.now() - begin) / 1000, stderr };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function measure(work, shape) {
  const path = join(directory, "metadata");
  makePool(path, shape);
  const ours = [];
  const peer = [];
  let maxRss = 0;
  for (let run = 0; run < runs; run++) {
    const mine = seconds(process.execPath, ["--import", rss, main, "pool", "check", path], path);
    ours.push(mine.time);
    maxRss = Math.max(maxRss, Number(mine.stderr.trim()) / 1024);
    peer.push(seconds("thin_check", ["-q", path], path).time);
  }
  const row = { work, ours: median(ours), peer: median(peer), unit: "s", ratio: median(peer) / median(ours) };
  return { ...row, atLeast: 1, aim: 2, maxRssMiB: Math.round(maxRss) };
}

try {
  const rows = [
    measure("check, 10 million mappings", {
      mappings: 10_000_000, dataBlocks: 12_000_000, metadataBytes: 400 * 2 ** 20,
    }),
    measure("check, 16 TiB with 15.8 GiB of metadata, 10 million mappings", {
      mappings: 10_000_000, dataBlocks: 2 ** 28, metadataBytes: 4_161_600 * 4096,
    }),
  ];
  if (process.argv.includes("--json")) console.log(JSON.stringify(rows, undefined, 2));
  else {
    for (const { work, ours, peer, ratio, maxRssMiB } of rows) {
      console.log(
        `${work}: ours ${ours.toFixed(2)} s, thin_check ${peer.toFixed(2)} s, ratio ${ratio.toFixed(2)}, ` +
          `ours at most ${maxRssMiB} MiB`,
      );
    }
  }
} finally {
  rmSync(directory, { recursive: true });
}
