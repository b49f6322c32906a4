/**
 * Bringing one mapped device in step with the plan, whatever is there already: nothing, half of it
 * after a crash, the same with other size, settings or name, or one that somebody left suspended.
 *
 *     create ─► load ─► resume       a new one
 *     rename, load ─► resume         one that is there, while it is in use
 *
 * A device without a live table is taken away again when its table is refused.
 */
import { DeviceMapper, sameTable, type DeviceInfo } from "@mortar/dm";
import { CallTimeout, isErrno, LinuxError, within } from "@mortar/linux";
import { targetsOf, type PlannedDevice } from "./kernel-plan.ts";
import { VgError } from "./vg-error.ts";

/** A resume of a large pool reads its metadata; a suspend waits for the disk. */
const ORDER_MS_MAX = 120_000;

/** Open for the time of `work`. */
export async function withDeviceMapper<T>(work: (dm: DeviceMapper) => Promise<T>): Promise<T> {
  const dm = DeviceMapper.open();
  try {
    return await work(dm);
  } finally {
    dm.close();
  }
}

/** The kernel's order, bounded, and its refusal as a sentence about `subject`. */
export async function ordered<T>(subject: string, order: Promise<T>): Promise<T> {
  try {
    const sentence = `${subject}: the kernel does not answer within ${ORDER_MS_MAX / 1000} s.`;
    return await within(ORDER_MS_MAX, `${sentence} See dmesg.`, order);
  } catch (error) {
    if (error instanceof CallTimeout) {
      throw new VgError("device-failed", error.message, { cause: error });
    }
    if (!(error instanceof LinuxError)) throw error;
    const reason = `${subject}: ${error.message}. The kernel says more: dmesg`;
    throw new VgError("device-failed", reason, { cause: error });
  }
}

export interface InStep {
  readonly info: DeviceInfo;
  /** The live table is another one than before, or there was none. */
  readonly changed: boolean;
}

/** `belowChanged`: load the table even if it reads the same, for what is below has grown. */
export async function bringInStep(
  dm: DeviceMapper,
  planned: PlannedDevice,
  belowChanged = false,
): Promise<InStep> {
  const { uuid, name, hidden } = planned;
  const targets = targetsOf(planned.table, await numbersBelow(dm, planned));
  const before = await dm.info({ uuid });
  if (before === undefined) return await make(dm, planned, targets);
  await ordered(name, dm.rename({ uuid }, name, { hidden }));
  if (before.hasInactiveTable) await ordered(name, dm.clear({ uuid }));
  const isSame =
    before.hasTable &&
    before.readOnly === planned.readOnly &&
    sameTable(await dm.table({ uuid }), targets);
  if (isSame && !belowChanged) {
    const info = before.suspended ? await resume(dm, planned) : before;
    return { info, changed: false };
  }
  await ordered(name, dm.load({ uuid }, targets, planned.readOnly));
  return { info: await resume(dm, planned), changed: true };
}

async function make(
  dm: DeviceMapper,
  planned: PlannedDevice,
  targets: Parameters<DeviceMapper["load"]>[1],
): Promise<InStep> {
  const { uuid, name, readOnly, hidden } = planned;
  try {
    await dm.create({ name, uuid });
  } catch (error) {
    if (!isErrno(error, "EBUSY")) throw error;
    const sentence =
      `Device ${name} exists and is none of this volume group's: dmsetup info ${name}`;
    throw new VgError("in-use", sentence, { cause: error });
  }
  try {
    await ordered(name, dm.load({ uuid }, targets, readOnly));
    return { info: await resume(dm, planned), changed: true };
  } catch (error) {
    await dm.remove({ uuid }, { hidden });
    throw error;
  }
}

/** A full pool holds requests back, and what is hidden has no file system of its own. */
async function resume(dm: DeviceMapper, { uuid, name, hidden }: PlannedDevice) {
  const calm = hidden ? { noFlush: true, skipLockFs: true } : {};
  return await ordered(name, dm.resume({ uuid }, { hidden, ...calm }));
}

async function numbersBelow(
  dm: DeviceMapper,
  { table }: PlannedDevice,
): Promise<(uuid: string) => string> {
  const numbers = new Map<string, string>();
  for (const uuid of uuidsBelow(table)) {
    const info = await dm.info({ uuid });
    if (info === undefined) throw new VgError("device-failed", `Device ${uuid} is not there.`);
    numbers.set(uuid, info.deviceNumber);
  }
  return (uuid) => numbers.get(uuid) ?? "";
}

function uuidsBelow(table: PlannedDevice["table"]): string[] {
  switch (table.kind) {
    case "linear":
      return [];
    case "layer":
      return [table.below];
    case "thin":
      return [table.pool];
    case "thin-pool":
    default:
      return [table.metadata, table.data];
  }
}

/** False when it is still open. A device that is not there is gone. */
export async function removeMapped(
  dm: DeviceMapper,
  uuid: string,
  hidden: boolean,
): Promise<boolean> {
  try {
    await ordered(uuid, dm.remove({ uuid }, { hidden }));
    return true;
  } catch (error) {
    if (isErrno((error as Error).cause, "EBUSY")) return false;
    throw error;
  }
}
