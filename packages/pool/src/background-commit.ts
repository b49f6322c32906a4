/**
 * Commits mappings about once a second, as the kernel's thin pool does, so that a power cut costs
 * little of what nobody flushed. The data is written back first, from here: then the worker's own
 * flush, during which it serves nobody, finds little to do. It still has the last word: only what
 * it sees flushed without error is committed.
 *
 * Devices are opened apart from the worker's: the kernel reports a failed write-back once to each
 * open file, and the worker must not miss it. It is noted here too: the worker may be killed before
 * it hears of it, and nobody who opens the device later is told.
 */
import { closeSync, constants, fdatasync, openSync } from "node:fs";
import type { ControlReply } from "./control.ts";
import type { FlushFailure } from "./device-table.ts";
import type { PoolSpec } from "./spec.ts";

const PERIOD_MS = 1000;
const EIO = 5;

export function commitInBackground(
  touched: Int32Array,
  spec: () => PoolSpec,
  failure: FlushFailure,
  commit: () => Promise<ControlReply>,
): void {
  const devices = new Map<string, number>();
  let isFailureTold = false;
  const round = async (): Promise<void> => {
    const hasFailed = failure.flushError !== 0;
    if (Atomics.exchange(touched, 0, 0) === 1 || (hasFailed && !isFailureTold)) {
      isFailureTold = hasFailed;
      openDevices(devices, spec());
      const errnos = await Promise.all([...devices.values()].map(writeBack));
      const errno = errnos.find((each) => each !== 0);
      if (errno !== undefined) failure.flushError = errno;
      const reply = await commit();
      if (!reply.ok) Atomics.store(touched, 0, 1);
    }
    setTimeout(() => void round(), PERIOD_MS);
  };
  setTimeout(() => void round(), PERIOD_MS);
}

function openDevices(devices: Map<string, number>, spec: PoolSpec): void {
  if (spec.kind !== "thin-pool") return;
  const wanted = new Set(spec.devices.map((device) => device.path));
  for (const [path, fd] of devices) {
    if (wanted.has(path)) continue;
    closeSync(fd);
    devices.delete(path);
  }
  for (const path of wanted) {
    if (!devices.has(path)) devices.set(path, openSync(path, constants.O_RDONLY));
  }
}

/** The errno, 0 when all is written. */
function writeBack(fd: number): Promise<number> {
  return new Promise((resolve) => {
    fdatasync(fd, (error) => resolve(error === null ? 0 : Math.abs(error.errno ?? EIO)));
  });
}
