/**
 * The self-heal daemon of a volume with copies: stock `glusterfs` with the volfile `shd/VOLUME`. It is
 * supervised as if it were a brick: it has the same files, is started again and adopted in the same
 * way. It heals for the bricks of its node, which it knows by the node's uuid.
 */
import { createHash } from "node:crypto";
import { type BrickCrawls, selfHealDaemonName, type VolumeDocument } from "@mortar/cluster";
import { type BrickRequest, brickOperation, Dictionary } from "@mortar/gluster";
import { type BrickAddress, exchange } from "./brick-client.ts";
import type { BrickStart } from "./brick-engine.ts";
import { BrickError } from "./brick-error.ts";
import type { BrickSpec } from "./brick-process.ts";
import { crawlsOf } from "./heal-crawls.ts";

const KEY = "shd/";
/** GlusterFS's process id of who heals: bricks let it do what clients may not. */
const HEALER_PID = -6;
const XLATOR_OP = 3;
const HEAL_INDEX = 1;
const HEAL_FULL = 2;
const STATISTICS = 7;

export function selfHealDaemonSpec(volume: VolumeDocument, host: string): BrickSpec {
  const { name } = volume;
  // Their order and sizes of sets, too: they are what it heals from and to.
  const bricks = volume.bricks.map((it) => `${it.id}=${it.host}:${it.path}`).join();
  const shape = `${volume.kind} ${volume.replicaCount} ${volume.arbiterCount} ${bricks}`;
  const digest = createHash("sha256").update(shape).digest("hex").slice(0, 16);
  return {
    volume: name, host, path: selfHealDaemonName(name), volfileId: `${KEY}${name}`, bricks: digest,
  };
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
  /** Which sets of bricks, counted from 0. */
  readonly sets: readonly number[];
  readonly full: boolean;
}

/** Throws BrickError. */
export async function startHeal(daemon: BrickAddress, order: HealOrder): Promise<void> {
  const { volume, sets, isDisperse, full } = order;
  const kind = isDisperse ? "disperse" : "replicate";
  const question: Question = { volume, kind, sets, op: full ? HEAL_FULL : HEAL_INDEX };
  const reply = await exchange(daemon, brickOperation.xlatorOp, requestOf(question));
  if (reply.opRet === 0) return;
  const text = `The self-heal daemon of ${order.volume} cannot heal all: a brick is not connected`;
  throw new BrickError("refused", text, { nextStep: "Look at `volume status`: which brick is down?" });
}

/** Of its own bricks in these sets of a replicate volume. Throws BrickError. */
export async function healStatistics(
  daemon: BrickAddress,
  { volume, sets }: Pick<HealOrder, "volume" | "sets">,
): Promise<BrickCrawls[]> {
  const question = requestOf({ volume, kind: "replicate", sets, op: STATISTICS });
  const reply = await exchange(daemon, brickOperation.xlatorOp, question);
  if (reply.opRet === 0) return crawlsOf(reply.output);
  throw new BrickError("refused", `The self-heal daemon of ${volume} tells nothing of its walks`);
}

interface Question {
  readonly volume: string;
  readonly kind: "disperse" | "replicate";
  readonly sets: readonly number[];
  readonly op: number;
}

/** It knows a set by the name of its translator; answers have the number that it is given here. */
function requestOf({ volume, kind, sets, op }: Question): BrickRequest {
  const input = Dictionary.of({
    count: sets.length,
    "xl-op": op,
    ...Object.fromEntries(sets.flatMap((set, index) => {
      const name = `${volume}-${kind}-${set}`;
      return [[`xl-${index}`, name], [name, set]];
    })),
  });
  return { name: "", op: XLATOR_OP, input, extra: new Dictionary() };
}
