/**
 * QEMU with its disk on an NBD export of a pool that mounts nothing: a guest makes a file system on it and writes,
 * while the pool's server is killed under it; snapshots and what changed since are seen from outside.
 */
import { startPool } from "@mortar/pool";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { diskName } from "./guest.mjs";
import { newFile } from "./new-file.mjs";

/** @typedef {import("./report.mjs").Report} Report @typedef {import("./guest.mjs").Guest} Guest */

const run = promisify(execFile);
const MIB = 1 << 20;
const SIZE_BYTES = 512 * MIB;
const METADATA_AT = MIB;
const METADATA_BYTES = 4 * MIB;
const DATA_AT = METADATA_AT + METADATA_BYTES;
const DATA_BYTES = 640 * MIB;
/** QEMU goes on when a server comes back within this time. */
const RECONNECT_SECONDS = 60;
const KILLS = 3;
/** The guest has booted, and writes. */
const FIRST_KILL_MS = 12_000;
const KILLS_APART_MS = 3000;

/** @param {{ report: Report, guest: Guest, directory: string }} options */
export async function nbd({ report, guest, directory }) {
  report.scenario("a guest on an NBD export");
  const disk = join(directory, "nbd-disk");
  newFile(disk, DATA_AT + DATA_BYTES);
  const runDirectory = join(directory, "nbd-run");
  mkdirSync(runDirectory, { mode: 0o700 });
  const client = await startPool(specOf(disk), runDirectory);
  try {
    const { socket } = await client.nbdStatus();
    const first = guest.run({ disks: [diskOf(socket, "lv")], physicalVolumes: 0, steps: FIRST });
    const kills = killServers(runDirectory, first);
    verify(report, (await first).steps);
    report.check(`its server was killed ${KILLS} times meanwhile`, (await kills) === KILLS);

    const messages = [{ kind: /** @type {const} */ ("snapshot"), deviceId: 2, originId: 1 }];
    await client.message({ messages, transactionId: 2 });
    await client.activate(volume("snap", 2));
    report.equal("nothing has changed since the snapshot", await changedBytes(socket), 0);
    const disks = [diskOf(socket, "lv"), diskOf(socket, "snap")];
    verify(report, (await guest.run({ disks, physicalVolumes: 0, steps: SECOND })).steps);
    const changed = await changedBytes(socket);
    report.check("what was written since shows as changed", changed >= 32 * MIB, String(changed));
    report.check("and nothing like all of it", changed < 160 * MIB, String(changed));
  } finally {
    await client.stop();
    rmSync(disk);
  }
}

const FILE_SUM = "sha256sum /mnt/first | tee /tmp/sum";
const FIRST = [
  ["mkfs.xfs", "-q", diskName(0)],
  ["mount", diskName(0), "/mnt"],
  {
    script: [
      "for part in 0 1 2 3 4 5 6 7 8 9 10 11; do",
      "  dd if=/dev/urandom of=/mnt/first bs=1M count=8 seek=$((part * 8)) conv=notrunc,fsync 2>/dev/null || exit 1",
      "done",
    ].join("\n"),
  },
  { script: `${FILE_SUM} && cp /tmp/sum /mnt/sum` },
  { script: "echo 3 >/proc/sys/vm/drop_caches; sha256sum -c /mnt/sum" },
  ["umount", "/mnt"],
  ["xfs_repair", "-n", diskName(0)],
];
const SECOND = [
  ["mount", diskName(0), "/mnt"],
  ["sha256sum", "-c", "/mnt/sum"],
  { script: "dd if=/dev/urandom of=/mnt/first bs=1M count=32 seek=16 conv=notrunc,fsync" },
  { script: "rm /mnt/sum && sync && fstrim /mnt && umount /mnt" },
  ["mount", "-o", "ro,norecovery,nouuid", diskName(1), "/mnt"],
  ["sha256sum", "-c", "/mnt/sum"],
  ["umount", "/mnt"],
  ["xfs_repair", "-n", diskName(0)],
];

/** @param {Report} report @param {readonly import("./guest.mjs").StepResult[]} steps */
function verify(report, steps) {
  for (const { command, status, stdout, stderr } of steps) {
    report.check(command.split("\n").join("; "), status === 0, `${stdout}\n${stderr}`);
  }
}

/** As a file name of QEMU. @param {string} path @param {string} name */
function diskOf(path, name) {
  const server = { type: "unix", path };
  const file = { driver: "nbd", server, export: name, "reconnect-delay": RECONNECT_SECONDS };
  return `json:${JSON.stringify({ driver: "raw", file })}`;
}

/**
 * kill -9, while the guest is at work. How often it was done.
 * @param {string} runDirectory @param {Promise<unknown>} guestRun
 */
async function killServers(runDirectory, guestRun) {
  const pidFile = join(runDirectory, "server.pid");
  const guest = { runs: true };
  const over = guestRun
    .catch(() => undefined)
    .finally(() => {
      guest.runs = false;
    });
  await Promise.race([sleep(FIRST_KILL_MS), over]);
  let count = 0;
  for (; guest.runs && count < KILLS; count++) {
    process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    await Promise.race([sleep(KILLS_APART_MS), over]);
  }
  return count;
}

/** Bytes that nbdinfo sees changed in `lv` since `snap`. @param {string} socket */
async function changedBytes(socket) {
  const uri = `nbd+unix:///lv?socket=${socket}`;
  const words = ["--json", "--map=mortar:changed-since:snap", uri];
  const extents = JSON.parse((await run("nbdinfo", words)).stdout);
  let bytes = 0;
  for (const { type, length } of extents) if (type === 1) bytes += length;
  return bytes;
}

/** @param {string} name @param {number} deviceId */
function volume(name, deviceId) {
  return { name, deviceId, sizeBytes: SIZE_BYTES, readOnly: false };
}

/** @param {string} disk @returns {import("@mortar/pool").ThinPoolSpec} */
function specOf(disk) {
  return {
    kind: "thin-pool",
    vgName: `nbd${process.pid}`,
    poolName: "tp",
    uuid: "nbd",
    devices: [{ name: "pv0", path: disk }],
    mount: false,
    metadata: [{ device: "pv0", deviceOffsetBytes: METADATA_AT, lengthBytes: METADATA_BYTES }],
    data: [{ device: "pv0", deviceOffsetBytes: DATA_AT, lengthBytes: DATA_BYTES }],
    chunkSectors: 128,
    zeroNewBlocks: true,
    discards: "passdown",
    errorWhenFull: true,
    transactionId: 1,
    messages: [{ kind: "create", deviceId: 1 }],
    volumes: [volume("lv", 1)],
  };
}
