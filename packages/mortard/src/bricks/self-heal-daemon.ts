/**
 * The self-heal daemon of a volume with copies: stock `glusterfs` with the volfile `shd/VOLUME`. It is
 * supervised as if it were a brick: it has the same files, is started again and adopted in the same
 * way. It heals for the bricks of its node, which it knows by the node's uuid.
 */
import { selfHealDaemonName } from "@mortar/cluster";
import { brickOperation, Dictionary } from "@mortar/gluster";
import { type BrickAddress, exchange } from "./brick-client.ts";
import type { BrickStart } from "./brick-engine.ts";
import { BrickError } from "./brick-error.ts";
import type { BrickSpec } from "./brick-process.ts";

const KEY = "shd/";
/** GlusterFS's process id of who heals: bricks let it do what clients may not. */
const HEALER_PID = -6;
const XLATOR_OP = 3;
const HEAL_INDEX = 1;
const HEAL_FULL = 2;

export function selfHealDaemonSpec(volume: string, host: string): BrickSpec {
  return { volume, host, path: selfHealDaemonName(volume), volfileId: `${KEY}${volume}` };
}

export function isSelfHealDaemon({ volfileId }: Pick<BrickSpec, "volfileId">): boolean {
  return volfileId.startsWith(KEY);
}

/**
 * `--brick-name` has no meaning to it; a process is recognised by it. Under stock's process name,
 * glustershd, the library takes several volumes into one process, and answers no order to heal
 * until it has been given the first one by glusterd's own protocol: another name is given.
 */
export function selfHealCommandLine({ spec, files, node }: BrickStart): string[] {
  return [
    "-s", node.address ?? "127.0.0.1",
    `--volfile-server-port=${node.managementPort}`,
    "--volfile-id", spec.volfileId,
    "-p", files.pid,
    "-S", files.socket,
    "-l", files.log,
    "--brick-name", spec.path,
    "--process-name", "self-heal",
    `--client-pid=${HEALER_PID}`,
    ...["replicate", "disperse"].flatMap((set) => [
      "--xlator-option", `*${set}*.node-uuid=${node.uuid}`,
    ]),
  ];
}

export interface HealOrder {
  readonly volume: string;
  readonly isDisperse: boolean;
  /** How many sets of bricks the volume has. */
  readonly sets: number;
  readonly full: boolean;
}

/** Throws BrickError. */
export async function startHeal(daemon: BrickAddress, order: HealOrder): Promise<void> {
  const kind = order.isDisperse ? "disperse" : "replicate";
  const names = Array.from({ length: order.sets }, (_, index) => `${order.volume}-${kind}-${index}`);
  const input = Dictionary.of({
    count: names.length,
    "xl-op": order.full ? HEAL_FULL : HEAL_INDEX,
    ...Object.fromEntries(names.flatMap((name, index) => [[`xl-${index}`, name], [name, index]])),
  });
  const request = { name: "", op: XLATOR_OP, input, extra: new Dictionary() };
  const reply = await exchange(daemon, brickOperation.xlatorOp, request);
  if (reply.opRet === 0) return;
  const text = `The self-heal daemon of ${order.volume} cannot heal all: a brick is not connected`;
  throw new BrickError("refused", text, { nextStep: "Look at `volume status`: which brick is down?" });
}
