/**
 * Snapshots of a whole volume, three nodes: how long they hold up a writer, how long they take, and whether that grows
 * with the number there is. `peer` is what is allowed, or our own figure with few snapshots.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterStand } from "./cluster-stand.mjs";
import { machineSeconds } from "./process-figures.mjs";
import { median, row, rounded } from "./rows.mjs";

const ALLOWED_MS = 100;
/** MB/s of the load beside the writer: what is asked for, and what leaves two cores something for three nodes. */
const RATES = [100, 10];
/** Parts of a snapshot in which writers are held: see snapshot-hold.ts of cluster. */
const HELD = ["drain", "barrier", "freeze", "take", "release"];
const FEW = 10;
/** A volume has 256 at the most. */
const A_VOLUME = 250;

export async function rows({ rounds, quick, large }) {
  const stand = new ClusterStand();
  try {
    await stand.start();
    await stand.replica("v");
    const found = [];
    for (const rate of RATES) found.push(await pauses(stand, rate, quick ? 3 : 8 * rounds));
    await stand.spread("one", 1);
    await stand.spread("twelve", 12);
    for (const [volume, bricks] of [["one", 1], ["v", 3], ["twelve", 12]]) {
      found.push(await idle(stand, volume, bricks, 2 * rounds + 1));
    }
    const many = large ? 1000 : quick ? 50 : 200;
    return [...found, ...(await growth(stand, many))];
  } finally {
    await stand.close();
  }
}

async function pauses(stand, rate, count) {
  const load = spawn("fio", [
    "--name=load", `--directory=${stand.mountPoint}`, "--rw=write", "--bs=128k", "--size=32m", "--time_based",
    "--runtime=3600", `--rate=${rate}m`, "--end_fsync=0", "--fsync=64", "--ioengine=psync",
  ], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  load.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  const program = new URL("./gap-writer.mjs", import.meta.url).pathname;
  const writer = spawn(process.execPath, [program, join(stand.mountPoint, "gaps")], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
  const longest = async () => {
    writer.stdin.write("\n");
    return Number((await lines.next()).value);
  };
  const gaps = [];
  const usual = [];
  const measured = [];
  const parts = new Map();
  const before = machineSeconds();
  try {
    await delay(2000);
    for (let index = 0; index < count; index++) {
      const name = `p${rate}-${index}`;
      await longest();
      await delay(1500);
      usual.push(await longest());
      await stand.ask((client) => client.snapshotCreate({ name, volume: "v", timestamp: false }));
      gaps.push(await longest());
      const { snapshots } = await stand.ask((client) => client.snapshotInfo({ snapshot: name }));
      const { pauseMs, phases = {} } = snapshots[0];
      measured.push(pauseMs);
      for (const part of HELD) parts.set(part, [...(parts.get(part) ?? []), phases[part] ?? 0]);
      await stand.ask((client) => client.snapshotDelete(name));
    }
  } finally {
    load.kill("SIGINT");
    writer.stdin.end();
    await Promise.all([once(load, "close"), once(writer, "close")]);
  }
  const after = machineSeconds();
  const busy = Math.round((100 * (after.busy - before.busy)) / (after.all - before.all));
  const worst = Math.max(...gaps);
  const reached = /WRITE: bw=\S+ \((\S+?)\)/.exec(said)?.[1] ?? "?";
  const each = [...parts].map(([part, times]) => `${part} ${rounded(median(times))}`).join(", ");
  return row({
    work: `longest wait for a write, p99 of ${count} snapshots at ${rate} MB/s, 3 bricks (peer: allowed)`,
    unit: "ms", ours: [worst], peer: [ALLOWED_MS], higher: false, atLeast: 1, aim: 5,
    note: `median ${rounded(median(gaps))}; without a snapshot ${rounded(median(usual))}; ` +
      `held by the snapshot ${rounded(median(measured))} (${each}); load ${reached}, processors ${busy} % busy`,
  });
}

async function idle(stand, volume, bricks, count) {
  const times = [];
  for (let index = 0; index < count; index++) {
    times.push(await timed(() => create(stand, volume, `i${index}`)));
    await stand.run(`gluster --mode=script snapshot delete i${index}`);
  }
  const name = `snapshot create, idle, ${bricks} ${bricks === 1 ? "brick" : "bricks"}`;
  return { work: name, ours: rounded(median(times)), unit: "ms", note: "from the request to its answer" };
}

/** Of volumes of one brick, on the nodes in turn. */
async function growth(stand, many) {
  const creation = [];
  for (let index = 0; index < many; index++) {
    const volume = `grown${Math.floor(index / A_VOLUME)}`;
    if (index % A_VOLUME === 0) await stand.spread(volume, 1, index / A_VOLUME);
    creation.push(await timed(() => create(stand, volume, `g${index}`)));
  }
  const few = median(creation.slice(0, FEW));
  const list = await timed(() => stand.ask((client) => client.snapshotList({})));
  const first = { create: few, list: 0 };
  const last = { create: median(creation.slice(-FEW)), list };
  return [
    row({
      work: `snapshot create with ${many} snapshots (peer: with ${FEW})`, unit: "ms",
      ours: [last.create], peer: [first.create], higher: false, atLeast: 0.7, aim: 0.9,
    }),
    { work: `snapshot list of ${many}`, ours: rounded(last.list), unit: "ms", note: "over the socket" },
  ];
}

async function create(stand, volume, name) {
  await stand.ask((client) => client.snapshotCreate({ name, volume, timestamp: false }));
}

async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
