/**
 * NBD over a unix socket: our pool server against qemu-nbd with qcow2, both images provisioned, both on tmpfs. The
 * client is fio's NBD engine; a job is a connection.
 */
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { startPool } from "../packages/pool/dist/index.js";
import { MiB, scratch, sparseFile } from "./block-stands.mjs";
import { fio } from "./fio.mjs";
import { row } from "./rows.mjs";

const run = promisify(execFile);
const SIZE_BYTES = 512 * MiB;
const METADATA_AT = MiB;
const METADATA_BYTES = 8 * MiB;
const DATA_AT = METADATA_AT + METADATA_BYTES;
const DATA_BYTES = SIZE_BYTES + 64 * MiB;

/** Rows for the table of all benchmarks. `seconds` of each measurement, in `rounds` alternating rounds. */
export async function rows({ rounds, seconds }) {
  const directory = scratch();
  const stands = [];
  try {
    stands.push(await poolExport(directory), await qemuExport(directory));
    for (const { uri } of stands) await fio({ ...job(uri), rw: "write", bs: "1m", iodepth: 8 });
    const answer = [];
    for (const rw of ["randread", "randwrite"]) {
      for (const connections of [1, 4]) answer.push(await measure(stands, rw, connections, rounds, seconds));
    }
    return answer;
  } finally {
    for (const stand of stands) await stand.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure([ours, peer], rw, connections, rounds, seconds) {
  const figures = { ours: [], peer: [] };
  const timed = { time_based: true, runtime: seconds, ramp_time: 1 };
  for (let round = 0; round < rounds; round++) {
    for (const [name, { uri }] of [["ours", ours], ["peer", peer]]) {
      const { iops } = await fio({ ...job(uri), ...timed, rw, bs: "4k", iodepth: 32, numjobs: connections });
      figures[name].push(iops);
    }
  }
  const verb = rw === "randread" ? "read" : "write";
  const work = `NBD: 4 KiB random ${verb}, QD 32, ${connections} connection${connections > 1 ? "s" : ""}`;
  return row({ work, unit: "IOPS", ...figures, higher: true, atLeast: 3, aim: 6 });
}

function job(uri) {
  return { ioengine: "nbd", uri, size: SIZE_BYTES, randrepeat: 0, norandommap: true };
}

async function poolExport(directory) {
  const device = sparseFile(join(directory, "pv"), DATA_AT + DATA_BYTES);
  const runDirectory = join(directory, "run");
  mkdirSync(runDirectory, { mode: 0o700 });
  const client = await startPool({
    kind: "thin-pool",
    vgName: `benchnbd${process.pid}`,
    poolName: "tp",
    uuid: "bench",
    devices: [{ name: "pv0", path: device }],
    metadata: [{ device: "pv0", deviceOffsetBytes: METADATA_AT, lengthBytes: METADATA_BYTES }],
    data: [{ device: "pv0", deviceOffsetBytes: DATA_AT, lengthBytes: DATA_BYTES }],
    chunkSectors: 128,
    zeroNewBlocks: true,
    discards: "passdown",
    errorWhenFull: true,
    transactionId: 1,
    messages: [{ kind: "create", deviceId: 1 }],
    volumes: [{ name: "lv", deviceId: 1, sizeBytes: SIZE_BYTES, readOnly: false }],
  }, runDirectory);
  const { socket } = await client.nbdStatus();
  return {
    uri: `nbd+unix:///lv?socket=${socket}`,
    close: async () => {
      for (let attempt = 0; attempt < 100 && existsSync(runDirectory); attempt++) {
        await client.stop().catch(() => sleep(50));
      }
    },
  };
}

async function qemuExport(directory) {
  const image = join(directory, "image.qcow2");
  const socket = join(directory, "qemu.sock");
  await run("qemu-img", ["create", "-q", "-f", "qcow2", image, String(SIZE_BYTES)]);
  const words = ["-k", socket, "-f", "qcow2", "--persistent", "--shared=8", "--discard=unmap", image];
  const child = spawn("qemu-nbd", words, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error(`qemu-nbd ended with ${child.exitCode}`);
    await sleep(20);
  }
  return {
    uri: `nbd+unix:///?socket=${socket}`,
    close: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
