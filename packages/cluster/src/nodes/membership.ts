/** Which nodes there are: they declare themselves, are let in, and are taken out. */
import type { CommandArgs, Step } from "../command.ts";
import type { NodeDeclaration } from "./node-command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { changeOf, keyOf } from "../key-space.ts";
import {
  type BrickDocument, type ClusterState, type NodeDocument, SCHEMA, type Versioned,
} from "../state.ts";
import { commit, type CommandContext, performLocal } from "../steps.ts";
import { giveUpWaiting } from "./dead-node.ts";
import { text } from "../stock-text.ts";

/**
 * Keeps what others need to know of this node. Writes only when it differs. A node of a cluster of
 * several that was taken out while it was away does not put itself in again.
 */
export function* nodeDeclare(
  context: CommandContext,
  args: NodeDeclaration,
): Step<{ uuid: string }> {
  const { nodes } = context.state;
  const former = nodes.get(args.uuid)?.document;
  if (former === undefined && nodes.size > 0) {
    throw new CommandFailure("node-unfit", errno.EG_INTRNL, text.peerMissing(args.hostname), [
      {
        node: args.hostname,
        object: keyOf.node(args.uuid),
        detail: "This node was taken out of its cluster while it was away.",
        nextStep: "mortar peer leave",
      },
    ]);
  }
  yield* keep(context, former, args);
  return { uuid: args.uuid };
}

export function* nodeAdd(
  context: CommandContext,
  args: NodeDeclaration,
): Step<{ uuid: string }> {
  const { self, nodes } = context.state;
  if (args.uuid === self) {
    const host = args.contact ?? args.hostname;
    throw new CommandFailure("node-unfit", errno.EG_INTRNL, text.peerUuidIsOurs(host));
  }
  yield* keep(context, nodes.get(args.uuid)?.document, args);
  return { uuid: args.uuid };
}

function* keep(
  context: CommandContext,
  former: NodeDocument | undefined,
  { uuid, hostname, address, snapMountRoot, contact, names, peerPort }: NodeDeclaration,
): Step<void> {
  const known = contact ?? former?.contact;
  const draft: NodeDocument = {
    schema: SCHEMA,
    uuid,
    hostname,
    address,
    snapMountRoot,
    ...(known === undefined ? {} : { contact: known }),
    ...(names === undefined ? {} : { names }),
    ...(peerPort === undefined ? {} : { peerPort }),
    ...(former?.joinedAtMs === undefined ? {} : { joinedAtMs: former.joinedAtMs }),
    ...(former?.zone === undefined ? {} : { zone: former.zone }),
    ...(former?.madeBricks === undefined ? {} : { madeBricks: former.madeBricks }),
  };
  if (former !== undefined && JSON.stringify(former) === JSON.stringify(draft)) return;
  const { nowMs } = yield* performLocal("clock", {});
  const document = { ...draft, joinedAtMs: former?.joinedAtMs ?? nowMs };
  if (JSON.stringify(former) === JSON.stringify(document)) return;
  yield* commit(context, [changeOf.node(context.state, document)]);
}

export function* nodeRemove(
  context: CommandContext,
  { host, check = false, dead = false }: CommandArgs<"nodeRemove">,
): Step<{ uuid: string }> {
  const { uuid } = yield* otherNode(context, host);
  if (dead) yield* giveUpWaiting(context, uuid);
  refuseInUse(context.state, uuid, { host, dead });
  if (!check) yield* commit(context, [changeOf.nodeGone(context.state, uuid)]);
  return { uuid };
}

/** Throws when it is this one, or none. */
export function* otherNode(context: CommandContext, host: string): Step<NodeDocument> {
  const { self, nodes } = context.state;
  let uuid = nodeOfHost(context.state, host)?.uuid;
  uuid ??= (yield* performLocal("resolveHost", { host })).uuid;
  if (uuid === self) throw refused(text.peerIsLocalhost(host));
  const node = uuid === undefined ? undefined : nodes.get(uuid)?.document;
  if (node === undefined) throw refused(text.peerMissing(host));
  return node;
}

/** `host`: what the operator called it. */
export function refuseInUse(
  state: ClusterState,
  uuid: string,
  { host, dead }: { readonly host: string; readonly dead: boolean },
): void {
  const isThere = (bricks: readonly BrickDocument[]): boolean =>
    bricks.some((brick) => brick.node === uuid);
  for (const { document } of state.volumes.values()) {
    if (isThere(document.bricks)) throw refused(text.peerHasBricks(host));
  }
  for (const { document } of state.snapshots.values()) {
    // What is left of it there goes with the node.
    if (document.deletingSinceMs !== undefined) continue;
    const has = document.volumes.some((it) => isThere(it.bricks) || isThere(it.volume.bricks));
    if (has) throw refused(text.peerHasSnapshots(host));
  }
  const made = state.nodes.get(uuid)?.document.madeBricks ?? [];
  if (made.length > 0 && !dead) throw refused(text.peerHasBricks(host));
}

function refused(sentence: string): CommandFailure {
  return new CommandFailure("node-in-use", errno.EG_INTRNL, sentence);
}

/** The node with this name or address, by what is known of the nodes; nothing is looked up. */
export function nodeOfHost(state: ClusterState, host: string): NodeDocument | undefined {
  const documents = nodesInOrder(state);
  const isNamed = (it: NodeDocument): boolean =>
    it.contact === host || it.hostname === host || it.address === host || it.uuid === host;
  return documents.find(isNamed) ?? documents.find((it) => it.names?.includes(host) === true);
}

/** In the order in which they came. */
export function nodesInOrder(state: ClusterState): NodeDocument[] {
  const documentOf = ({ document }: Versioned<NodeDocument>): NodeDocument => document;
  const timeOf = ({ joinedAtMs = 0 }: NodeDocument): number => joinedAtMs;
  return [...state.nodes.values()]
    .map(documentOf)
    .sort((a, b) => timeOf(a) - timeOf(b) || (a.uuid < b.uuid ? -1 : 1));
}
