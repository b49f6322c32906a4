/**
 * Server quorum: whether a node that sees only some of the pool may have writers on its bricks.
 *
 * A volume takes part that has `cluster.server-quorum-type server`. A node counts the nodes that
 * answer it, itself among them; with fewer than the quorum it ends its own bricks of these volumes,
 * and starts them again with the quorum. Nobody is asked for that: each node judges by what it sees,
 * also when the store of the cluster's state cannot be reached.
 *
 * | nodes | `cluster.server-quorum-ratio` | quorum |
 * |---|---|---|
 * | N | not set | more than half: N/2, rounded down, and 1 |
 * | N | R | R % of N, rounded up |
 */
import type { Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import type { ClusterState, VolumeDocument } from "../state.ts";
import { type CommandContext, performLocal } from "../steps.ts";
import { text } from "../stock-text.ts";

const TYPE = "cluster.server-quorum-type";
const RATIO = "cluster.server-quorum-ratio";

export function serverQuorumCount(nodes: number, ratioPercent: number | undefined): number {
  if (ratioPercent === undefined) return Math.floor(nodes / 2) + 1;
  return Math.ceil((nodes * ratioPercent) / 100);
}

/** `connected`: uuids, this node's among them; those of no node of the pool do not count. */
export function isInServerQuorum(state: ClusterState, connected: readonly string[]): boolean {
  const set = state.clusterConfig?.document.options.find((it) => it.name === RATIO)?.value;
  const ratio = set === undefined ? undefined : Number.parseFloat(set);
  const { there, all } = counted(state, connected);
  return there >= serverQuorumCount(all, ratio);
}

/** One that was taken out is no node any more; one that a recovery gave up counts neither way. */
function counted(state: ClusterState, connected: readonly string[]): { there: number; all: number } {
  const counting = [...state.nodes.values()].filter((it) => it.document.goneSinceMs === undefined);
  const there = counting.filter((it) => connected.includes(it.document.uuid)).length;
  return { there, all: counting.length };
}

export function takesPartInServerQuorum({ options }: Pick<VolumeDocument, "options">): boolean {
  return options.some(({ name, value }) => name === TYPE && value === "server");
}

export interface ServerQuorumView {
  /** Uuids of the nodes that answer this one, this one's among them. */
  readonly connected: readonly string[];
  /** Others may not have been heard of yet, since this node began to listen: nothing is ended. */
  readonly isNew: boolean;
  /** Volumes whose bricks are not to be started here, for want of a quorum. */
  readonly held: ReadonlySet<string>;
  /** Those of them whose bricks were ended. */
  readonly ended: ReadonlySet<string>;
}

export interface ServerQuorumChange {
  /** Volumes whose bricks are not to be started here from now on. */
  readonly hold: readonly string[];
  /** Volumes whose bricks of this node are to be ended. */
  readonly end: readonly string[];
  /** Volumes whose bricks of this node may be started again. */
  readonly start: readonly string[];
}

export function serverQuorumChange(
  state: ClusterState,
  { connected, isNew, held, ended }: ServerQuorumView,
): ServerQuorumChange {
  const has = isInServerQuorum(state, connected);
  const lacking = new Set<string>();
  for (const { document } of state.volumes.values()) {
    if (!has && document.status === "Started" && takesPartInServerQuorum(document)) {
      lacking.add(document.name);
    }
  }
  return {
    hold: [...lacking].filter((name) => !held.has(name)),
    end: isNew ? [] : [...lacking].filter((name) => !ended.has(name)),
    start: [...held].filter((name) => !lacking.has(name)),
  };
}

/** Settings by which the quorum itself is chosen can always be changed, as in stock. */
export function choosesServerQuorum(options: readonly { readonly name: string }[]): boolean {
  return options.some((it) => it.name === TYPE || it.name === RATIO);
}

/** Throws stock's refusal when the volume takes part and this node has no quorum. */
export function* refuseOutOfQuorum(context: CommandContext, name: string): Step<void> {
  const volume = context.state.volumes.get(name)?.document;
  if (volume === undefined || !takesPartInServerQuorum(volume)) return;
  const connected = yield* performLocal("connectedNodes", {});
  if (isInServerQuorum(context.state, connected)) return;
  const { there, all } = counted(context.state, connected);
  throw new CommandFailure("no-majority", errno.EG_INTRNL, text.noMajority(), [{
    object: name,
    detail: `${there} of ${all} nodes answer: no server quorum.`,
    nextStep: "Bring nodes back (peer status), or change cluster.server-quorum-type or -ratio.",
  }]);
}

type VolumeStep<Args, Payload> = (context: CommandContext, args: Args) => Step<Payload>;

/** The same command, refused where its volume lacks server quorum. */
export function inServerQuorum<Args extends { readonly volume: string }, Payload>(
  run: VolumeStep<Args, Payload>,
  isExempt: (args: Args) => boolean = () => false,
): VolumeStep<Args, Payload> {
  return function* guarded(context, args) {
    if (!isExempt(args)) yield* refuseOutOfQuorum(context, args.volume);
    return yield* run(context, args);
  };
}
