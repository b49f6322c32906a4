/**
 * Which engine carries a volume group: the kernel's device-mapper, or the pool servers of Mortar.
 *
 * Both read and write the same disk format, so a group that is deactivated can be activated by
 * either, and nothing moves. While any of it is active it belongs to the engine that has it: by
 * mapped devices with the group's uuid, or by servers and loop devices. The other one refuses.
 *
 *     someone has it      that engine; refused when another one was asked for
 *     nobody has it       the one that was asked for; else the kernel if it has dm-thin, else ours
 */
import { CONTROL, DeviceMapper } from "@mortar/dm";
import { isErrno } from "@mortar/linux";
import { thinPools } from "@mortar/lvm2";
import { findServedLoop, mountedServer, readBlockState, type BlockState } from "./block-state.ts";
import type { EngineName } from "./engine-choice.ts";
import type { VgHost } from "./host.ts";
import { isOfGroup } from "./kernel-names.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { LINEAR_SERVER } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

/** Who has a group active, with one thing to show for it. */
interface Holder {
  readonly engine: EngineName;
  readonly evidence: string;
}

/** None when nothing of the group is active; the kernel first where both are. */
function holdersOf(state: BlockState, runDirectory: string, loaded: LoadedVg): Holder[] {
  const holders: Holder[] = [];
  const mapped = state.mapped.find((device) => isOfGroup(device.uuid, loaded.vg));
  if (mapped !== undefined) holders.push({ engine: "kernel", evidence: `device ${mapped.name}` });
  const served = servedEvidence(state, runDirectory, loaded);
  if (served !== undefined) holders.push({ engine: "userspace", evidence: served });
  return holders;
}

function servedEvidence(
  state: BlockState,
  runDirectory: string,
  loaded: LoadedVg,
): string | undefined {
  const { vg } = loaded;
  for (const server of [...thinPools(vg).map(({ lv }) => lv.name), LINEAR_SERVER]) {
    const mounted = mountedServer(state, runDirectory, vg.name, server);
    if (mounted !== undefined) return `pool server in ${mounted}`;
  }
  for (const lv of vg.logicalVolumes) {
    const loop = findServedLoop(state, runDirectory, loaded, lv);
    if (loop !== undefined) return `loop device ${loop.path} of ${vg.name}/${lv.name}`;
  }
  return undefined;
}

/**
 * The engine for a change of the group, which may have to start it. Throws "in-use" while the other
 * engine has the group, "not-supported" when the kernel was asked for and cannot.
 */
export async function engineFor(host: VgHost, loaded: LoadedVg): Promise<EngineName> {
  const choice = host.engine ?? "auto";
  const held = engineInUse(host, loaded);
  if (held !== undefined) return held;
  if (choice === "userspace" || host.nbdOnly === true) return "userspace";
  const obstacle = await kernelObstacle();
  if (obstacle === undefined) return "kernel";
  if (choice === "auto") return "userspace";
  throw new VgError("not-supported", `The kernel cannot activate ${loaded.vg.name}: ${obstacle}`);
}

/** The engine that has the group now. Throws "in-use" when another one was asked for. */
export function engineInUse(
  host: Pick<VgHost, "engine" | "runDirectory">,
  loaded: LoadedVg,
  state: BlockState = readBlockState(),
): EngineName | undefined {
  const { name } = loaded.vg;
  const [holder, second] = holdersOf(state, host.runDirectory, loaded);
  if (holder !== undefined && second !== undefined) {
    throw new VgError(
      "in-use",
      `Volume group ${name} is active twice: in the kernel (${holder.evidence}) and in Mortar's ` +
        `own engine (${second.evidence}). Stop writing to it and deactivate both.`,
    );
  }
  const choice = host.engine ?? "auto";
  if (holder === undefined || choice === "auto" || choice === holder.engine) return holder?.engine;
  const who = holder.engine === "kernel" ? "the kernel's device-mapper" : "Mortar's own engine";
  throw new VgError(
    "in-use",
    `Volume group ${name} is active in ${who} (${holder.evidence}). Deactivate it there first: ` +
      `vgchange -an --engine ${holder.engine} ${name}`,
  );
}

const LOAD = "load the module dm_thin_pool, or choose --engine userspace.";
let obstacle: Promise<string | undefined> | undefined;

/** Why the kernel cannot carry thin pools; undefined when it can. Asked once a process. */
export async function kernelObstacle(): Promise<string | undefined> {
  obstacle ??= findObstacle();
  return await obstacle;
}

async function findObstacle(): Promise<string | undefined> {
  let dm: DeviceMapper;
  try {
    dm = DeviceMapper.open();
  } catch (error) {
    if (isErrno(error, "EACCES", "EPERM")) return `${CONTROL} is for root.`;
    if (!isErrno(error, "ENOENT", "ENODEV", "ENXIO")) throw error;
    return `it has no device-mapper (${CONTROL} is not there): ${LOAD}`;
  }
  try {
    for (const target of ["thin-pool", "thin", "linear"]) {
      if ((await dm.targetVersion(target)) === undefined) {
        return `its device-mapper has no target ${target}: ${LOAD}`;
      }
    }
    return undefined;
  } finally {
    dm.close();
  }
}
