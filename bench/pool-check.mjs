/** `mortar pool check` against thin_check, whole processes, in turns, with nothing of the file in the page cache. */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, fsyncSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { mkdtempSync } from "node:fs";
import { restoreXml } from "../packages/thin/dist/index.js";
import { fileDevice, scatteredXml } from "./pool-files.mjs";
import { row } from "./rows.mjs";

const main = new URL("../packages/cli/dist/main.js", import.meta.url).pathname;
const rss = "data:text/javascript,process.on('exit',()=>console.error(process.resourceUsage().maxRSS))";

const SHAPES = [
  {
    work: "check, 10 million mappings: thin_check",
    mappings: 10_000_000, dataBlocks: 12_000_000, metadataBytes: 400 * 2 ** 20,
  },
  {
    work: "check, 16 TiB with 15.8 GiB of metadata, 10 million mappings: thin_check",
    mappings: 10_000_000, dataBlocks: 2 ** 28, metadataBytes: 4_161_600 * 4096,
  },
];

export async function rows({ rounds }) {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "mortar-bench-"));
  try {
    return SHAPES.map((shape) => measure(join(directory, "metadata"), shape, rounds));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function measure(path, { work, metadataBytes, ...shape }, rounds) {
  const metadata = fileDevice(path, { sizeBytes: metadataBytes });
  restoreXml({ metadata, read: scatteredXml(shape) });
  metadata.close();
  const ours = [];
  const peer = [];
  let maxRss = 0;
  for (let round = 0; round < rounds; round++) {
    const mine = seconds(process.execPath, ["--import", rss, main, "pool", "check", path], path);
    ours.push(mine.time);
    maxRss = Math.max(maxRss, Number(mine.stderr.trim()) / 1024);
    peer.push(seconds("thin_check", ["-q", path], path).time);
  }
  return row({
    work, unit: "s", ours, peer, higher: false, atLeast: 1, aim: 2, note: `${Math.round(maxRss)} MiB RSS`,
  });
}

function seconds(command, args, path) {
  const fd = openSync(path, "r+");
  fsyncSync(fd);
  closeSync(fd);
  execFileSync("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
  const begin = performance.now();
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return { time: (performance.now() - begin) / 1000, stderr };
}
