/** On which nodes, and in which pools, the bricks of a received volume are made. */
import { roomiest, roomOf } from "../bricks/brick-plan.ts";
import type { GroupRoom, StorageFacts } from "../bricks/brick-storage.ts";
import type { Detail, Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import { nodesInOrder } from "../nodes/membership.ts";
import { placeSets } from "../bricks/placement.ts";
import { sizeText } from "../size-text.ts";
import type { BrickDocument, NodeDocument } from "../state.ts";
import { attemptAll, type CommandContext } from "../steps.ts";
import type { SendHeader, SentBrick } from "./transfer-document.ts";

interface Room {
  readonly node: NodeDocument;
  readonly group: GroupRoom;
}

interface Wanted {
  /** The LVs are called `NAME_n`. */
  readonly name: string;
  readonly vg: string | undefined;
  readonly force: boolean;
}

/** In the order of the header's bricks. Throws `CommandFailure` when there is no room. */
export function* placeReceived(
  context: CommandContext,
  { volume, bricks }: SendHeader,
  wanted: Wanted,
): Step<BrickDocument[]> {
  const rooms = yield* roomsOf(context, wanted.vg);
  const setSize = Math.max(volume.replicaCount, volume.disperseCount, 1);
  const sizeBytes = Math.max(...bricks.map((it) => it.sizeBytes));
  const setCount = Math.ceil(bricks.length / setSize);
  const places = rooms.map(({ node, group }) => ({
    node: node.uuid,
    domain: node.zone === undefined ? `node ${node.uuid}` : `zone ${node.zone}`,
    freeBytes: roomOf(group),
  }));
  const asked = { setCount, setSize, sizeBytes, force: wanted.force };
  const chosen = placeSets(places, asked)?.flat() ??
    (wanted.force && rooms.length > 0
      ? bricks.map((_, index) => rooms[index % rooms.length]!.node.uuid)
      : undefined);
  if (chosen === undefined) throw noRoom(rooms, bricks, setSize);
  return bricks.map((brick, index) => {
    const { node, group } = rooms.find((it) => it.node.uuid === chosen[index])!;
    return brickOn(node, group, brick, `${wanted.name}_${index}`);
  });
}

function* roomsOf(context: CommandContext, vg: string | undefined): Step<Room[]> {
  const nodes = nodesInOrder(context.state);
  const outcomes = yield* attemptAll(
    nodes.map(({ uuid }): NodeEffect<"inspectStorage"> => ({ kind: "inspectStorage", node: uuid })),
  );
  return nodes.flatMap((node, index) => {
    const outcome = outcomes[index];
    if (outcome?.ok !== true) return [];
    const { groups } = outcome.value as StorageFacts;
    const fit = groups.filter((it) => it.pools.length > 0 && (vg === undefined || it.name === vg));
    const group = roomiest(fit) ?? fit.find((it) => !it.elsewhere);
    return group === undefined ? [] : [{ node, group }];
  });
}

function brickOn(
  { uuid, contact, hostname, address }: NodeDocument,
  { name: vg, pools }: GroupRoom,
  { id, fsType, mountOptions, below }: SentBrick,
  lv: string,
): BrickDocument {
  const left = (it: (typeof pools)[number]): number => it.sizeBytes - it.promisedBytes;
  const { name: pool } = pools.reduce((best, it) => (left(it) > left(best) ? it : best));
  const listens = /^(?:0\.0\.0\.0|::)$/u.test(address) ? hostname : address;
  const device = `/dev/${vg}/${lv}`;
  return {
    node: uuid, host: contact ?? listens, path: device + below, id, mountPoint: device, device, fsType,
    mountOptions, thin: { vg, lv, pool }, managed: true,
  };
}

function noRoom(
  rooms: readonly Room[], bricks: readonly SentBrick[], setSize: number,
): CommandFailure {
  const details = rooms.map(({ node, group }): Detail => {
    const name = node.contact ?? node.hostname;
    const detail = `${group.name} can hold ${sizeText(Math.max(roomOf(group), 0))} more without promising too much.`;
    return { node: name, object: group.name, detail, nextStep: "Extend the pool, or use --force." };
  });
  const sum = bricks.reduce((all, it) => all + it.sizeBytes, 0);
  const sets = setSize === 1 ? "" : `, ${setSize} of a set on different nodes,`;
  const sentence =
    `${bricks.length} bricks of ${sizeText(sum)} in all${sets} find no room on ${rooms.length} node(s) ` +
    "with thin pools";
  const nextStep = "lvcreate --thin VG -n bricks -l 100%FREE";
  const none: Detail[] = [{ detail: "No node has a thin pool in such a volume group.", nextStep }];
  return new CommandFailure("brick-refused", errno.EG_INTRNL, sentence,
    details.length === 0 ? none : details);
}
