/**
 * Block devices to measure, each a loop device over a file on tmpfs: our pool server, qemu-storage-daemon with qcow2
 * (both through FUSE, with direct I/O, or the loop driver waits for each request), and a plain file.
 *
 * A stand has `path`, `close()`, and what its kind can do besides.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, ftruncateSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { startPool } from "../packages/pool/dist/index.js";
import { restoreXml } from "../packages/thin/dist/index.js";
import { fileDevice, mappedXml } from "./pool-files.mjs";

const run = promisify(execFile);
export const MiB = 2 ** 20;

const TMPFS = 0x0102_1994;
/** A directory on tmpfs, so that the disk of the machine is not what is measured. */
export function scratch() {
  const base = process.env.BENCH_DIR ?? (statfsSync("/dev/shm").type === TMPFS ? "/dev/shm" : tmpdir());
  return mkdtempSync(join(base, "mortar-bench-"));
}

export function sparseFile(path, sizeBytes) {
  const fd = openSync(path, "w");
  ftruncateSync(fd, sizeBytes);
  closeSync(fd);
  return path;
}

/** Never synchronously: the file may be served by a child that waits for us. */
export async function attach(path, direct) {
  const { stdout } = await run("losetup", [`--direct-io=${direct ? "on" : "off"}`, "--find", "--show", path]);
  return stdout.trim();
}

export async function detach(loop) {
  await run("losetup", ["-d", loop]);
}

/** A plain file behind a loop device: what a server in user space cannot beat. */
export async function rawStand(directory, sizeBytes) {
  const file = sparseFile(join(directory, "raw"), sizeBytes);
  const path = await attach(file, false);
  return {
    name: "raw loop",
    path,
    close: async () => {
      await detach(path);
      rmSync(file);
    },
  };
}

/**
 * One thin pool with thin devices of `sizeBytes`, device 1 attached. `fullyMapped`: all of device 1 is mapped from
 * the start, though nothing was written.
 */
export async function poolStand(directory, {
  sizeBytes, poolBytes, metadataBytes = 64 * MiB, chunkSectors = 128, fullyMapped = false,
}) {
  const dataAt = MiB + metadataBytes;
  const device = sparseFile(join(directory, "pv"), dataAt + poolBytes);
  if (fullyMapped) {
    const metadata = fileDevice(device, { offset: MiB, sizeBytes: metadataBytes });
    restoreXml({ metadata, read: mappedXml(sizeBytes / (chunkSectors * 512), { transaction: 1 }) });
    metadata.close();
  }
  const spec = specOf({ device, dataAt, metadataBytes, poolBytes, chunkSectors, sizeBytes, fullyMapped });
  const runDirectory = join(directory, "run");
  mkdirSync(runDirectory, { mode: 0o700 });
  const client = await startPool(spec, runDirectory);
  let transactionId = 1;
  const message = async (...messages) => {
    transactionId += 1;
    await client.message({ messages, transactionId });
  };
  const { mountPoint } = await client.status();
  const loops = new Set();
  const open = async (deviceId) => {
    await client.activate(volume(deviceId, sizeBytes)).catch((error) => {
      if (error.code !== "exists") throw error;
    });
    const loop = await attach(join(mountPoint, nameOf(deviceId)), true);
    loops.add(loop);
    return loop;
  };
  const closeLoop = async (loop) => {
    await detach(loop);
    loops.delete(loop);
  };
  return {
    name: "mortar",
    path: await open(1),
    client,
    message,
    open,
    closeLoop,
    /** The thin device is not served any more; waits for the kernel to let go of its file. */
    deactivate: async (deviceId) => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await client.deactivate(nameOf(deviceId));
        } catch (error) {
          if (attempt === 500) throw error;
          await sleep(10);
        }
      }
    },
    close: async () => {
      for (const loop of loops) await detach(loop).catch(() => undefined);
      for (let attempt = 0; attempt < 100 && existsSync(runDirectory); attempt++) {
        await client.stop().catch(() => sleep(50));
      }
      rmSync(device);
    },
  };
}

function specOf({ device, dataAt, metadataBytes, poolBytes, chunkSectors, sizeBytes, fullyMapped }) {
  return {
    kind: "thin-pool",
    vgName: `bench${process.pid}`,
    poolName: "tp",
    uuid: "bench",
    devices: [{ name: "pv0", path: device }],
    metadata: [{ device: "pv0", deviceOffsetBytes: MiB, lengthBytes: metadataBytes }],
    data: [{ device: "pv0", deviceOffsetBytes: dataAt, lengthBytes: poolBytes }],
    chunkSectors,
    zeroNewBlocks: true,
    discards: "passdown",
    errorWhenFull: true,
    transactionId: 1,
    messages: fullyMapped ? [] : [{ kind: "create", deviceId: 1 }],
    volumes: [volume(1, sizeBytes)],
  };
}

const nameOf = (deviceId) => `lv${deviceId}`;
const volume = (deviceId, sizeBytes) => ({ name: nameOf(deviceId), deviceId, sizeBytes, readOnly: false });

/** `prepare(image)` may change the image before it is exported. */
export async function qcow2Stand(directory, { sizeBytes, prepare, name = "q", fullyMapped = false }) {
  const image = join(directory, `${name}.qcow2`);
  const preallocation = `preallocation=${fullyMapped ? "metadata" : "off"}`;
  if (!existsSync(image)) {
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-o", preallocation, image, String(sizeBytes)]);
  }
  await prepare?.(image);
  const mountPoint = sparseFile(join(directory, `${name}.export`), 0);
  const qmp = join(directory, `${name}.qmp`);
  const child = spawn("qemu-storage-daemon", [
    "--blockdev", `driver=file,node-name=f,filename=${image}`,
    "--blockdev", "driver=qcow2,node-name=q,file=f,discard=unmap",
    "--chardev", `socket,id=c,path=${qmp},server=on,wait=off`,
    "--monitor", "chardev=c",
    "--export", `type=fuse,id=e,node-name=q,mountpoint=${mountPoint},writable=on`,
  ], { stdio: ["ignore", "inherit", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await until(async () => Number((await run("stat", ["-c", "%s", mountPoint])).stdout) === sizeBytes);
  const path = await attach(mountPoint, true);
  return {
    name: "qemu-storage-daemon",
    path,
    image,
    qmp,
    close: async (keepImage = false) => {
      await detach(path);
      await sleep(50);
      child.kill("SIGTERM");
      await ended;
      rmSync(mountPoint, { force: true });
      if (!keepImage) rmSync(image);
    },
  };
}

export async function until(condition) {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await condition()) return;
    await sleep(20);
  }
  throw new Error("waited for ten seconds in vain");
}
