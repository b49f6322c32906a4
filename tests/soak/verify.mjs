/**
 * fio writes to a file system on a thin volume and verifies what it wrote, while its server is
 * killed.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Random } from "../interop/random.mjs";
import { Report } from "../interop/report.mjs";
import { BlockRig, within } from "./block-rig.mjs";

const MIB = 1 << 20;
const KILLS = 3;
const JOBS = 2;
const JOB_MIB = 96;
const FIO_MS_MAX = 300_000;

/**
 * @param {{ seed: number, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runVerify({ seed, log }) {
  const rig = new BlockRig(1024 * MIB);
  const stop = () => process.exit(1);
  const cleanUp = () => rig.remove();
  process.once("SIGINT", stop).once("SIGTERM", stop).once("exit", cleanUp);
  try {
    return await verify(rig, new Random(seed), log);
  } finally {
    process.off("exit", cleanUp).off("SIGINT", stop).off("SIGTERM", stop);
    const forced = rig.remove();
    if (forced.length > 0) log(`cleaned up by force: ${forced.join(", ")}`);
  }
}

/** @param {BlockRig} rig @param {Random} random @param {(line: string) => void} log */
async function verify(rig, random, log) {
  const report = new Report(log);
  report.scenario("fio through kills");
  const mount = join(rig.directory, "mnt");
  mkdirSync(mount);
  rig.must("vgcreate", rig.vg, rig.loop);
  rig.must("lvcreate", "-L", "768m", "-T", `${rig.vg}/${rig.pool}`);
  rig.must("lvcreate", "-V", "640m", "-T", `${rig.vg}/${rig.pool}`, "-n", "files");
  rig.run("mkfs.xfs", "-q", rig.device("files"));
  rig.run("mount", rig.device("files"), mount);

  const started = Date.now();
  const seed = random.below(2 ** 31);
  const fio = rig.start("fio", fioWords(mount, seed, false), { stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  for (const stream of [fio.stdout, fio.stderr])
    stream?.on("data", (piece) => (told += String(piece)));
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => fio.once("close", resolve));
  let kills = 0;
  while (kills < KILLS) {
    await pause(1500 + random.below(2000));
    if (fio.exitCode !== null) break;
    if (rig.killServer()) kills += 1;
    // A snapshot makes the writes that follow copy chunks.
    if (kills === 1) rig.must("lvcreate", "-s", "-n", "between", `${rig.vg}/files`);
  }
  const status = await within(ended, FIO_MS_MAX, "fio");
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  report.equal(`the server was killed while fio ran, in ${seconds} s`, kills, KILLS);
  report.check(
    "fio wrote and verified without an error",
    status === 0 && !/err=\s*[1-9]/.test(told),
    told.slice(-3000),
  );
  rig.run("umount", mount);
  rig.run("mount", rig.device("files"), mount);
  const again = JSON.parse(rig.run("fio", "--output-format=json", ...fioWords(mount, seed, true)));
  const readBytes = again.jobs.reduce(
    (/** @type {number} */ sum, /** @type {any} */ job) => sum + job.read.io_bytes,
    0,
  );
  report.equal("and verifies all of it again after another mount", readBytes, JOBS * JOB_MIB * MIB);
  rig.run("umount", mount);
  report.equal("the kernel has no complaint", rig.kernelComplaints(), []);
  rig.run("xfs_repair", "-n", rig.device("files"));
  report.check("xfs_repair -n is clean", true);
  rig.must("vgchange", "-an", rig.vg);
  return report;
}

/** @param {string} directory @param {number} seed @param {boolean} readOnly */
function fioWords(directory, seed, readOnly) {
  return [
    "--name=verify",
    `--directory=${directory}`,
    "--rw=randwrite",
    "--bsrange=4k-64k",
    `--size=${JOB_MIB}m`,
    `--numjobs=${JOBS}`,
    "--ioengine=libaio",
    "--thread",
    "--iodepth=16",
    "--direct=1",
    "--verify=crc32c",
    "--verify_fatal=1",
    "--do_verify=1",
    `--randseed=${seed}`,
    ...(readOnly ? ["--verify_only=1"] : ["--rate=8m", "--verify_backlog=256", "--fsync=64"]),
  ];
}
