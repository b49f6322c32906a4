/**
 * Heavy write-back in little memory. The file system above can free memory only when the pool server has written its
 * dirty pages; so the server must never wait for memory that only this can free.
 *
 * The writers, buffered and far beyond what their control group may keep in memory, run in one of 96 MiB; the pool's
 * server and holder in one of 128 MiB, page cache included. A third program writes 4 KiB now and then past the cache,
 * to another thin volume: its longest write is the longest stall. At the end all is compared.
 */
import { mkdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectPool } from "../../packages/pool/dist/index.js";
import { Report } from "../interop/report.mjs";
import { BlockRig } from "./block-rig.mjs";
import { MemoryGroup, whyNoMemoryGroup } from "./memory-group.mjs";

const MIB = 1 << 20;
const WRITERS_MIB = 96;
const SERVER_MIB = 128;
const LOOK_MS = 5000;
/** Nothing was written for so long: that is a deadlock. */
const STUCK_MS = 120_000;
const END_MS_MAX = 300_000;
/** What the server may grow by between the first third and the end. */
const GROWTH_MIB_MAX = 24;

/** @typedef {{ seconds: number, writtenMib: number, rssMib: number, peakMib: number }} Sample */

/**
 * @param {{ seed: number, minutes: number, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runMemory({ seed, minutes, log }) {
  const report = new Report(log);
  report.scenario(`write-back in little memory, ${minutes} min`);
  const missing = whyNoMemoryGroup();
  if (missing !== undefined) {
    report.check("the machine has control groups for memory", false, missing);
    return report;
  }
  const rig = new BlockRig(6144 * MIB);
  const groups = {
    writers: new MemoryGroup(`mortar-writers-${process.pid}`, WRITERS_MIB * MIB),
    server: new MemoryGroup(`mortar-server-${process.pid}`, SERVER_MIB * MIB),
  };
  const stop = () => process.exit(1);
  const cleanUp = () => rig.remove();
  process.once("SIGINT", stop).once("SIGTERM", stop).once("exit", cleanUp);
  try {
    await underPressure({ rig, groups, report, seed, minutes, log });
  } finally {
    process.off("exit", cleanUp).off("SIGINT", stop).off("SIGTERM", stop);
    const forced = rig.remove();
    if (forced.length > 0) log(`cleaned up by force: ${forced.join(", ")}`);
    for (const group of Object.values(groups)) group.remove();
  }
  return report;
}

/**
 * @param {{ rig: BlockRig, groups: { writers: MemoryGroup, server: MemoryGroup }, report: Report, seed: number,
 *   minutes: number, log: (line: string) => void }} job
 */
async function underPressure({ rig, groups, report, seed, minutes, log }) {
  const begun = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  const mount = join(rig.directory, "mnt");
  mkdirSync(mount);
  rig.must("vgcreate", rig.vg, rig.loop);
  rig.must("lvcreate", "-L", "5g", "-T", `${rig.vg}/${rig.pool}`);
  rig.must("lvcreate", "-V", "4g", "-T", `${rig.vg}/${rig.pool}`, "-n", "files");
  rig.must("lvcreate", "-V", "64m", "-T", `${rig.vg}/${rig.pool}`, "-n", "probe");
  rig.run("mkfs.xfs", "-q", rig.device("files"));
  rig.run("mount", rig.device("files"), mount);
  await moveServer(rig, groups.server);

  const seconds = Math.round(minutes * 60);
  const writers = start(rig, groups.writers.wrap(["fio", ...writerWords(mount, seed, seconds)]));
  const probe = start(rig, ["fio", ...probeWords(rig.device("probe"), seconds)]);
  const samples = await watch(rig, writers, seconds, log);
  const [wrote, probed] = await Promise.all([writers.ended, probe.ended]);

  report.check("the writers wrote and verified without an error", wrote.status === 0, wrote.told.slice(-3000));
  report.check("the probe wrote without an error", probed.status === 0, probed.told.slice(-3000));
  tell({ samples, groups, probed, log });
  report.equal("the kernel killed no process of the pool", groups.server.oomKills, 0);
  report.equal("the kernel killed no writer", groups.writers.oomKills, 0);
  report.equal("the server that began is the one that ended", (await status(rig)).restarts, 1);
  const early = samples[Math.floor(samples.length / 3)]?.rssMib ?? NaN;
  const late = samples.at(-1)?.rssMib ?? NaN;
  const grown = Math.round(late - early);
  report.check(`the server does not grow: ${grown} MiB since the first third`, grown <= GROWTH_MIB_MAX, `${early} to ${late} MiB`);
  const hung = rig.run("dmesg").split("\n").filter((line) => isSince(line, begun) && /blocked for more than/.test(line));
  report.equal("the kernel names no task that hangs", hung, []);
  report.equal("the kernel has no complaint", rig.kernelComplaints(), []);
  rig.run("umount", mount);
  rig.run("xfs_repair", "-n", rig.device("files"));
  report.check("xfs_repair -n is clean", true);
  rig.must("vgchange", "-an", rig.vg);
}

/** What a process has already is counted where it was: so the server is one that starts in the group. */
async function moveServer(/** @type {BlockRig} */ rig, /** @type {MemoryGroup} */ group) {
  group.add(rig.pid("holder"));
  const { serverPid } = await status(rig);
  rig.killServer();
  while ((await status(rig)).serverPid === serverPid) await pause(50);
}

async function status(/** @type {BlockRig} */ rig) {
  const client = await connectPool(rig.poolDirectory);
  if (client === undefined) throw new Error("the pool has neither server nor holder");
  return client.status();
}

/**
 * @param {BlockRig} rig
 * @param {readonly string[]} command
 */
function start(rig, [program = "", ...words]) {
  const child = rig.start(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (piece) => (told = (told + String(piece)).slice(-200_000)));
  }
  /** @type {Promise<{ status: number | null, told: string }>} */
  const ended = new Promise((resolve) => child.once("close", (code) => resolve({ status: code, told })));
  return { child, ended };
}

/**
 * Looks every few seconds, until the writers end.
 * @param {BlockRig} rig @param {ReturnType<typeof start>} writers @param {number} seconds
 * @param {(line: string) => void} log
 */
async function watch(rig, writers, seconds, log) {
  /** @type {Sample[]} */
  const samples = [];
  const begun = Date.now();
  const first = (await status(rig)).requests.writeBytes;
  // The probe goes on when the writers hang: what counts is what reaches their volume.
  const device = basename(realpathSync(rig.device("files")));
  let [changedAt, written] = [begun, sectorsWritten(device)];
  let told = 0;
  while (writers.child.exitCode === null) {
    await pause(LOOK_MS);
    const { serverPid, requests } = await status(rig);
    const sectors = sectorsWritten(device);
    if (sectors !== written) [changedAt, written] = [Date.now(), sectors];
    const elapsed = (Date.now() - begun) / 1000;
    const writtenMib = (requests.writeBytes - first) / MIB;
    samples.push({ seconds: elapsed, writtenMib, ...memoryOf(serverPid) });
    const last = samples.at(-1);
    if (last !== undefined && elapsed - told >= 60) {
      told = elapsed;
      log(`  ${Math.round(elapsed)} s: ${Math.round(last.writtenMib)} MiB written, server ${last.rssMib} MiB`);
    }
    if (Date.now() - changedAt > STUCK_MS) throw new Error(`nothing was written for ${STUCK_MS / 1000} s: a deadlock`);
    if (Date.now() - begun > seconds * 1000 + END_MS_MAX) throw new Error("the writers do not end");
  }
  return samples;
}

/** @param {string} device */
function sectorsWritten(device) {
  return Number(readFileSync(`/sys/class/block/${device}/stat`, "utf8").trim().split(/\s+/)[6]);
}

/** @param {string} line of the kernel's log @param {number} uptime in seconds */
function isSince(line, uptime) {
  return Number(/^\[\s*([\d.]+)\]/.exec(line)?.[1] ?? 0) >= uptime;
}

/** @param {number} pid */
function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const mib = (/** @type {string} */ key) => Math.round(Number(new RegExp(`${key}:\\s*(\\d+)`).exec(text)?.[1]) / 1024);
  return { rssMib: mib("VmRSS"), peakMib: mib("VmHWM") };
}

/**
 * @param {{ samples: readonly Sample[], groups: { writers: MemoryGroup, server: MemoryGroup },
 *   probed: { told: string }, log: (line: string) => void }} found
 */
function tell({ samples, groups, probed, log }) {
  const last = samples.at(-1);
  const rates = samples.slice(1).map((sample, index) => {
    const before = samples[index];
    return before ? (sample.writtenMib - before.writtenMib) / (sample.seconds - before.seconds) : 0;
  });
  const sorted = rates.toSorted((a, b) => a - b).map((rate) => rate.toFixed(1));
  const longest = JSON.parse(probed.told.slice(probed.told.indexOf("{"))).jobs[0].write.clat_ns.max / 1e6;
  log(`  written ${Math.round(last?.writtenMib ?? 0)} MiB in ${Math.round(last?.seconds ?? 0)} s: MiB/s least ` +
    `${sorted[0]}, median ${sorted[Math.floor(sorted.length / 2)]}, most ${sorted.at(-1)}`);
  log(`  longest 4 KiB write beside it: ${longest.toFixed(0)} ms`);
  log(`  server: ${last?.rssMib} MiB resident, at most ${last?.peakMib}; its group: at most ` +
    `${Math.round(groups.server.peakBytes / MIB)} of ${SERVER_MIB} MiB, limit met ${groups.server.limitHits} times, ` +
    `${groups.server.oomKills} killed`);
  log(`  writers' group: limit met ${groups.writers.limitHits} times, ${groups.writers.oomKills} killed`);
}

/** @param {string} directory @param {number} seed @param {number} seconds */
function writerWords(directory, seed, seconds) {
  const both = [`--directory=${directory}`, "--ioengine=psync", "--time_based", `--runtime=${seconds}`, `--randseed=${seed}`];
  return [
    ...both.slice(0, 1), "--name=stream", "--rw=write", "--bs=1m", "--size=1200m", ...both.slice(1),
    "--name=scatter", "--rw=randwrite", "--bs=16k", "--size=800m", ...both.slice(1),
    "--name=verified", "--rw=randwrite", "--bs=32k", "--size=400m", "--verify=crc32c", "--verify_fatal=1",
    "--verify_backlog=2048", "--verify_state_save=0", ...both.slice(1),
  ];
}

/** @param {string} device @param {number} seconds */
function probeWords(device, seconds) {
  return [
    "--name=probe", `--filename=${device}`, "--rw=randwrite", "--bs=4k", "--direct=1", "--ioengine=libaio", "--iodepth=1",
    "--rate_iops=20", "--time_based", `--runtime=${seconds}`, "--output-format=json",
  ];
}
