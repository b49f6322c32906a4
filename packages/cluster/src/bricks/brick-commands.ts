/**
 * `brick create`, `place`, `list`, `delete`: file systems for bricks, made and taken away.
 *
 * A brick that is being made has an intent that removes it; its commit point enters it into its
 * node's document. One that is deleted leaves that document together with the intent that removes
 * it, so it is either listed and whole, or not listed and on its way out.
 */
import { allBricks, brickName, overlaps } from "./brick.ts";
import { type BrickPlace, mountPointOf, planBrick, planOf, roomiest, roomOf } from "./brick-plan.ts";
import type { BrickStorage, GroupRoom, StorageFacts } from "./brick-storage.ts";
import type { CommandArgs, Detail, Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import { begin, pendingDetail, settle, draftIntent, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { claimsOn } from "./lv-claim.ts";
import { nodeOfHost, nodesInOrder } from "../nodes/membership.ts";
import { placeSets } from "./placement.ts";
import { sizeText } from "../size-text.ts";
import type { Change, ClusterState, MadeBrick, NodeDocument } from "../state.ts";
import {
  attemptAll, commit, type CommandContext, event, newUuids, perform, performAll, performLocal,
} from "../steps.ts";
import type { BrickPlan, MadeBrickInfo } from "./storage-command.ts";
import { text } from "../stock-text.ts";
import { checkVolumeName, parseBrick } from "../volumes/volume-create.ts";

/** One brick to be made, with what its node has. */
interface Order {
  readonly node: string;
  readonly host: string;
  readonly storage: BrickStorage;
  readonly facts: StorageFacts;
}

export function* brickCreate(
  context: CommandContext,
  args: CommandArgs<"brickCreate">,
): Step<BrickPlan> {
  const place = parseBrick(args.brick);
  const node = yield* nodeOf(context, place.host);
  refuseOverlap(context.state, node, place);
  const { device, file } = args;
  const facts = yield* perform({
    kind: "inspectStorage", node, mountPoint: mountPointOf(place.path),
    ...(device === undefined ? {} : { device }), ...(file === undefined ? {} : { file }),
  });
  const [id = ""] = yield* newUuids(1);
  const storage = planBrick(id, place, args, facts);
  const order: Order = { node, host: place.host, storage, facts };
  warnOfPromises(context, order);
  if (args.dryRun !== true) yield* make(context, [order]);
  return planOf(place.host, storage, facts);
}

/** All of them or none. */
export function* brickPlace(
  context: CommandContext,
  args: CommandArgs<"brickPlace">,
): Step<BrickPlan[]> {
  checkVolumeName(args.volume);
  const nodes = yield* chosenNodes(context, args.nodes);
  const facts = new Map<string, StorageFacts>();
  const asked = nodes.map(({ uuid }): NodeEffect<"inspectStorage"> => ({
    kind: "inspectStorage", node: uuid,
  }));
  const answers = yield* performAll(asked);
  nodes.forEach(({ uuid }, index) => facts.set(uuid, answers[index]!));
  const groupOf = (uuid: string) => {
    const { groups } = facts.get(uuid)!;
    if (args.vg !== undefined) return groups.find((it) => it.name === args.vg);
    const promised = args.force === true ? groups.find((it) => !it.elsewhere && it.pools.length > 0) : undefined;
    return roomiest(groups) ?? promised;
  };
  const places = nodes.flatMap(({ uuid, zone }) => {
    const group = groupOf(uuid);
    const domain = zone === undefined ? `node ${uuid}` : `zone ${zone}`;
    return group === undefined ? [] : [{ node: uuid, domain, freeBytes: roomOf(group) }];
  });
  const { setSize, sizeBytes, force = false } = args;
  const setCount = args.setCount ?? (setSize === 1 ? nodes.length : 1);
  const sets = placeSets(places, { setCount, setSize, sizeBytes, force });
  if (sets === undefined) throw noRoom(args, nodes, facts, setCount);
  const ids = yield* newUuids(setCount * setSize);
  const orders = sets.flat().map((node, index): Order => {
    const seen = facts.get(node)!;
    const host = hostOf(context.state, node);
    const path = `${seen.bricksDirectory}/${args.volume}-${index + 1}/brick`;
    refuseOverlap(context.state, node, { host, path });
    const vg = groupOf(node)!.name;
    const storage = planBrick(ids[index]!, { host, path }, { sizeBytes, vg }, seen);
    return { node, host, storage, facts: seen };
  });
  if (args.dryRun !== true) yield* make(context, orders);
  return orders.map((it) => planOf(it.host, it.storage, it.facts));
}

function* make(context: CommandContext, orders: readonly Order[]): Step<void> {
  const nodes = [...new Set(orders.map((it) => it.node))];
  const intent = yield* begin(context, {
    command: "brick create",
    holds: nodes.map(keyOf.node),
    direction: "undo",
    groups: inTurn(orders, "removeBrickStorage").toReversed(),
    afterwards: [],
  });
  try {
    // Of one node one after the other: they may share what is made below them.
    for (const group of inTurn(orders, "makeBrickStorage")) yield* performAll(group);
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  yield* commit(context, [
    ...nodes.map((node) => entered(context.state, node, orders)),
    changeOf.intentGone(context.state, intent.id),
  ]);
  for (const { host, storage } of orders) {
    yield* event("BRICK_CREATE", { brick: `${host}:${storage.path}` });
  }
}

/** The nth brick of every node in the nth group. */
function inTurn<Kind extends "makeBrickStorage" | "removeBrickStorage">(
  orders: readonly Order[],
  kind: Kind,
): NodeEffect<Kind>[][] {
  const groups: NodeEffect<Kind>[][] = [];
  const seen = new Map<string, number>();
  for (const { node, storage } of orders) {
    const turn = seen.get(node) ?? 0;
    seen.set(node, turn + 1);
    groups[turn] ??= [];
    groups[turn].push({ kind, node, ...storage });
  }
  return groups;
}

function entered(state: ClusterState, node: string, orders: readonly Order[]): Change {
  const document = state.nodes.get(node)!.document;
  const own = orders.filter((it) => it.node === node);
  const made: MadeBrick[] = own.map(({ host, storage }) => ({ host, ...storage }));
  return changeOf.node(state, { ...document, madeBricks: [...(document.madeBricks ?? []), ...made] });
}

export function* brickDelete(
  context: CommandContext,
  args: CommandArgs<"brickDelete">,
): Step<{ brick: string }> {
  const place = parseBrick(args.brick);
  const node = yield* nodeOf(context, place.host);
  const document = context.state.nodes.get(node)!.document;
  const brick = document.madeBricks?.find((it) => it.path === place.path);
  if (brick === undefined) {
    throw refused(place, "is not one that Mortar made", "mortar brick list");
  }
  const users = usersOf(context.state, node, brick);
  if (users.length > 0) {
    throw refused(place, `is used by ${users.join(", ")}`, "Delete what uses it first.");
  }
  const { host: _host, ...storage } = brick;
  const left = document.madeBricks!.filter((it) => it !== brick);
  const { madeBricks: _all, ...rest } = document;
  const intent = yield* draftIntent({
    command: "brick delete",
    holds: [keyOf.node(node)],
    direction: "finish",
    groups: [[{ kind: "removeBrickStorage", node, ...storage }]],
    afterwards: [],
  });
  yield* commit(context, [
    changeOf.node(context.state, left.length === 0 ? rest : { ...rest, madeBricks: left }),
    changeOf.intent(context.state, intent),
  ]);
  const errors = yield* settle(context, intent);
  if (errors.length > 0) {
    throw new CommandFailure("effect-failed", errno.EG_INTRNL,
      `The brick ${brickName(place)} is given up, and not removed yet`, errors.map(pendingDetail));
  }
  yield* event("BRICK_DELETE", { brick: brickName(place) });
  return { brick: brickName(place) };
}

export function* brickList(context: CommandContext, _args: object): Step<MadeBrickInfo[]> {
  const { state } = context;
  const made = nodesInOrder(state).flatMap(({ uuid, madeBricks = [] }) =>
    madeBricks.map((brick) => ({ uuid, brick })),
  );
  const found = yield* attemptAll(
    made.map(({ uuid, brick: { vg, lv } }) => ({ kind: "lvStatus", node: uuid, vg, lv })),
  );
  return made.map(({ uuid, brick }, index) => {
    const outcome = found[index];
    const { dataPercent } = (outcome?.ok === true ? outcome.value : {}) as { dataPercent?: string };
    const { host: node, mountPoint, vg, pool, lv, sizeBytes } = brick;
    const usedBy = usersOf(state, uuid, brick);
    return {
      brick: brickName(brick), node, mountPoint, vg, pool, lv, sizeBytes, usedBy,
      ...(dataPercent === undefined ? {} : { dataPercent }),
    };
  });
}

function usersOf(state: ClusterState, node: string, brick: MadeBrick): string[] {
  const byLv = claimsOn(state, { node, vg: brick.vg, lv: brick.lv }).map((it) => it.owner);
  const byPath = [...allBricks(state)]
    .filter((it) => it.brick.node === node && overlaps(it.brick.path, brick.mountPoint))
    .map((it) => it.owner);
  return [...new Set([...byLv, ...byPath])];
}

function refuseOverlap(state: ClusterState, node: string, place: BrickPlace): void {
  const mountPoint = mountPointOf(place.path);
  const made = state.nodes.get(node)?.document.madeBricks ?? [];
  const other = made.find((it) => overlaps(it.mountPoint, mountPoint));
  if (other !== undefined) {
    throw refused(place, `is where the brick ${brickName(other)} is`, "Choose another directory.");
  }
}

function* nodeOf(context: CommandContext, host: string): Step<string> {
  let uuid = nodeOfHost(context.state, host)?.uuid;
  uuid ??= (yield* performLocal("resolveHost", { host })).uuid;
  if (uuid === undefined || !context.state.nodes.has(uuid)) {
    throw new CommandFailure("host-unknown", errno.EG_INTRNL, text.hostMissing(host));
  }
  return uuid;
}

function* chosenNodes(
  context: CommandContext,
  hosts: readonly string[] | undefined,
): Step<readonly NodeDocument[]> {
  if (hosts === undefined) return nodesInOrder(context.state);
  const uuids: string[] = [];
  for (const host of hosts) uuids.push(yield* nodeOf(context, host));
  return [...new Set(uuids)].map((uuid) => context.state.nodes.get(uuid)!.document);
}

/** The name that volfiles will have: clients must be able to resolve it. */
function hostOf(state: ClusterState, node: string): string {
  const { contact, hostname, address } = state.nodes.get(node)!.document;
  const listens = /^(?:0\.0\.0\.0|::)$/u.test(address) ? hostname : address;
  return contact ?? listens;
}

function warnOfPromises(context: CommandContext, { storage, facts }: Order): void {
  const group = facts.groups.find((it) => it.name === storage.vg);
  const pool = group?.pools.find((it) => it.name === storage.pool);
  if (pool === undefined || pool.promisedBytes + storage.sizeBytes <= pool.sizeBytes) return;
  context.warnings.push(
    `The pool ${storage.vg}/${storage.pool} has ${sizeText(pool.sizeBytes)}, and its volumes may need ` +
      `${sizeText(pool.promisedBytes + storage.sizeBytes)}. Watch it: mortar status`,
  );
}

function noRoom(
  { sizeBytes, setSize, vg }: CommandArgs<"brickPlace">,
  nodes: readonly NodeDocument[],
  facts: ReadonlyMap<string, StorageFacts>,
  setCount: number,
): CommandFailure {
  const details = nodes.map(({ uuid, hostname, contact }): Detail => {
    const name = contact ?? hostname;
    return {
      node: name, object: name,
      detail: `${name} ${roomText(facts.get(uuid)!.groups, vg)}.`,
      nextStep: `mortar brick create ${name}:/bricks/NAME/brick --size SIZE --device DEVICE`,
    };
  });
  return new CommandFailure("brick-refused", errno.EG_INTRNL,
    `${setCount} x ${setSize} bricks of ${sizeText(sizeBytes)} find no room on ${nodes.length} node(s)`,
    details);
}

function roomText(groups: readonly GroupRoom[], vg: string | undefined): string {
  const own = groups.filter((it) => !it.elsewhere && (vg === undefined || it.name === vg));
  if (own.length === 0) return vg === undefined ? "has no volume group" : `has no volume group ${vg}`;
  const roomy = own.filter((it) => roomOf(it) > 0);
  if (roomy.length > 0) {
    return `has room for ${roomy.map((it) => `${sizeText(roomOf(it))} in ${it.name}`).join(", ")}`;
  }
  const promised = own.some((it) => it.pools.length > 0)
    ? ", as volumes may need all that their pools have (`force` promises more)"
    : "";
  return `has no room in ${own.map((it) => it.name).join(", ")}${promised}`;
}

function refused(place: BrickPlace, reason: string, nextStep: string): CommandFailure {
  const name = brickName(place);
  return new CommandFailure("brick-refused", errno.EG_INTRNL, `The brick ${name} ${reason}`,
    [{ node: place.host, object: name, detail: `The brick ${name} ${reason}.`, nextStep }]);
}
