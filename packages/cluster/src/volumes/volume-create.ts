/** `volume create`: everything is checked before anything is changed. */
import { initialOptions } from "@mortar/gluster";
import { allBricks, brickName, overlaps } from "../bricks/brick.ts";
import { type BrickLayout, layoutOf, refuseSameNode } from "../bricks/brick-sets.ts";
import type { Step } from "../command.ts";
import type { VolumeCreateArgs, VolumeRef } from "./volume-command.ts";
import type { BrickFacts } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import { begin, groupsOf, settleHolding, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { claimsOn } from "../bricks/lv-claim.ts";
import { type BrickDocument, type ClusterState, SCHEMA, type VolumeDocument } from "../state.ts";
import { commit, type CommandContext, event, newUuids, performAll, performLocal } from "../steps.ts";
import { text } from "../stock-text.ts";

/** Longest volume name and brick path; a brick's path is part of file names (255 bytes at most). */
const VOLUME_NAME_MAX = 128;
const BRICK_PATH_MAX = 200;

/** Words that stand for something else in commands or in volfiles. */
const reservedNames = new Set([
  "volume",
  "type",
  "subvolumes",
  "option",
  "end-volume",
  "all",
  "volume_not_in_ring",
]);

export interface BrickPlace {
  readonly host: string;
  readonly path: string;
  readonly node: string;
}

export function* volumeCreate(context: CommandContext, args: VolumeCreateArgs): Step<VolumeRef> {
  checkVolumeName(args.name);
  checkTransport(args);
  if (args.bricks.length === 0) throw badArgument("Brick list is empty: give HOST:PATH");
  const layout = layoutOf(args, args.bricks.length);
  const parsed = args.bricks.map(parseBrick);
  refuseDuplicates(parsed);
  yield* settleHolding(context, args.name, [keyOf.volume(args.name)]);
  if (volumeNameTaken(context.state, args.name)) {
    throw refused("volume-exists", text.volumeExists(args.name));
  }
  const places = yield* placeBricks(parsed);
  const force = args.force === true;
  if (!force) refuseSameNode(layout, places);
  yield* settlePlaces(context, args.name, places);
  for (const place of places) refuseOverlap(context.state, place);
  const facts = yield* performAll(
    places.map(
      ({ node, path }): NodeEffect<"inspectBrick"> => ({ kind: "inspectBrick", node, path }),
    ),
  );
  places.forEach((place, index) => checkBrick(place, facts[index]!, force));
  places.forEach((place, index) => refuseClaimedLv(context.state, place, facts[index]!));
  return yield* make(context, { name: args.name, layout, places, facts, force });
}

/** Throws unless a volume may have this name. */
export function checkVolumeName(name: string): void {
  if (reservedNames.has(name)) throw badArgument(text.volumeNameReserved(name));
  if (name.length > VOLUME_NAME_MAX) throw badArgument(text.volumeNameTooLong(VOLUME_NAME_MAX));
  const wrong = /[^A-Za-z0-9_-]/u.exec(name);
  if (wrong !== null) throw badArgument(text.volumeNameCharacter(wrong[0]));
  if (name === "") throw badArgument(text.volumeNameCharacter(""));
}

/** Also by a snap volume: both are names of processes, run files and volfiles. */
export function volumeNameTaken(state: ClusterState, name: string): boolean {
  if (state.volumes.has(name)) return true;
  return [...state.snapshots.values()].some(({ document }) =>
    document.volumes.some((it) => it.name === name),
  );
}

interface NewVolume {
  readonly name: string;
  readonly layout: BrickLayout;
  readonly places: readonly BrickPlace[];
  readonly facts: readonly BrickFacts[];
  readonly force: boolean;
}

function* make(context: CommandContext, it: NewVolume): Step<VolumeRef> {
  const { name, layout, places, facts, force } = it;
  const [id = "", username = "", password = ""] = yield* newUuids(3);
  const intent = yield* begin(context, {
    command: "volume create",
    holds: [keyOf.volume(name)],
    direction: "undo",
    groups: groupsOf(places.map((place, index) => undoEffect(place, facts[index]!, id))),
    afterwards: [],
  });
  try {
    yield* performAll(
      places.map(
        ({ node, path }): NodeEffect<"prepareBrick"> => ({
          kind: "prepareBrick",
          node,
          path,
          volumeId: id,
          force,
        }),
      ),
    );
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  const volume: VolumeDocument = {
    schema: SCHEMA,
    name,
    id,
    ...layout,
    status: "Created",
    transport: "tcp",
    bricks: places.map((place, index) => brickOf(name, place, index, facts[index]!)),
    options: Object.entries(initialOptions(layout.kind)).map(([key, value]) => ({
      name: key,
      value,
    })),
    username,
    password,
    generation: 1,
  };
  yield* commit(context, [
    changeOf.volume(context.state, volume),
    changeOf.intentGone(context.state, intent.id),
  ]);
  yield* event("VOLUME_CREATE", { name, id });
  return { name, id };
}

/** With force a brick may carry another volume's id, which the undoing gives back to it. */
export function undoEffect(place: BrickPlace, facts: BrickFacts, volumeId: string): NodeEffect {
  const { node, path } = place;
  if (facts.volumeId !== undefined && facts.volumeId !== volumeId) {
    return { kind: "setVolumeId", node, path, volumeId: facts.volumeId };
  }
  return { kind: "releaseBrick", node, path, volumeId, removeDirectory: !facts.exists };
}

export function brickOf(
  volume: string,
  place: BrickPlace,
  index: number,
  facts: BrickFacts,
): BrickDocument {
  const brick: BrickDocument = {
    node: place.node,
    host: place.host,
    path: place.path,
    id: `${volume}-client-${index}`,
    mountPoint: facts.mountPoint,
    device: facts.device,
    fsType: facts.fsType,
    mountOptions: facts.mountOptions,
    managed: false,
  };
  if (!facts.lv.thin) return brick;
  return { ...brick, thin: { vg: facts.lv.vg, lv: facts.lv.lv, pool: facts.lv.pool } };
}

function checkTransport(args: VolumeCreateArgs): void {
  if (args.transport !== undefined && args.transport !== "tcp") {
    throw new CommandFailure(
      "unsupported",
      errno.EG_OPNOTSUP,
      `Transport ${args.transport} is not supported; use tcp`,
    );
  }
}

/** HOST:/absolute/path in its parts; throws stock's refusal of anything else. */
export function parseBrick(words: string): { host: string; path: string } {
  const colon = words.lastIndexOf(":/");
  const host = words.slice(0, Math.max(colon, 0));
  const path = normalized(words.slice(colon + 1));
  if (colon <= 0 || path === undefined || /[\s,/]/.test(host)) {
    throw badArgument(text.brickMalformed(words));
  }
  if (host === "localhost" || host.startsWith("0.") || host === "127.0.0.1" || host === "::1") {
    throw badArgument(text.brickLoopback());
  }
  if (path.length > BRICK_PATH_MAX) throw badArgument(text.brickPathTooLong(path));
  return { host, path };
}

/** Without empty and `.` components; undefined when it climbs, or holds control characters. */
function normalized(path: string): string | undefined {
  const parts = path.split("/").filter((it) => it !== "" && it !== ".");
  // A brick's path is written into volfiles, where it is one word of one line.
  const bad = parts.includes("..") || /[\p{Cc}"\\]/u.test(path);
  return bad || !path.startsWith("/") ? undefined : `/${parts.join("/")}`;
}

export function refuseDuplicates(bricks: readonly { host: string; path: string }[]): void {
  const seen = new Set<string>();
  for (const name of bricks.map(brickName)) {
    if (seen.has(name)) throw badArgument(text.brickTwice(name));
    seen.add(name);
  }
}

export function* placeBricks(
  bricks: readonly { host: string; path: string }[],
): Step<readonly BrickPlace[]> {
  const hosts = [...new Set(bricks.map((it) => it.host))];
  const nodes = new Map<string, string>();
  for (const host of hosts) {
    const { uuid } = yield* performLocal("resolveHost", { host });
    if (uuid === undefined) throw refused("host-unknown", text.hostMissing(host));
    nodes.set(host, uuid);
  }
  const places = bricks.map((it) => ({ ...it, node: nodes.get(it.host)! }));
  places.forEach((place, index) => {
    const other = places.findIndex((it) => it.node === place.node && overlaps(it.path, place.path));
    if (other < index) {
      throw refused("brick-refused", text.brickNotAvailable(place.host, place.path));
    }
  });
  return places;
}

/** Held by who is still going to end a former brick of this place. */
export function placeHold({ node, path }: Pick<BrickPlace, "node" | "path">): string {
  return `place/${node}${path}`;
}

/** A brick that left these places ends first. */
export function* settlePlaces(
  context: CommandContext,
  name: string,
  places: readonly BrickPlace[],
): Step<void> {
  yield* settleHolding(context, name, places.map(placeHold));
}

export function refuseOverlap(state: ClusterState, place: BrickPlace): void {
  for (const { owner, brick } of allBricks(state)) {
    if (brick.node !== place.node || !overlaps(brick.path, place.path)) continue;
    throw refused("brick-refused", text.brickNotAvailable(place.host, place.path), [
      {
        object: brickName(place),
        detail: `The brick ${brickName(brick)} of ${owner} is there.`,
        nextStep: "Use another directory.",
      },
    ]);
  }
}

/** Stock's checks in stock's order. */
export function checkBrick({ host, path }: BrickPlace, facts: BrickFacts, force: boolean): void {
  const reject = (message: string) => {
    throw refused("brick-refused", message);
  };
  if (!facts.exists && !facts.parentExists) {
    reject(text.brickDirectoryFailed(host, path, "No such file or directory"));
  }
  if (facts.exists && !facts.isDirectory) reject(text.brickNotDirectory(path));
  if (!force && facts.isMountPoint) reject(text.brickMountPoint(host, path));
  if (!force && facts.onRootFileSystem) reject(text.brickRootPartition(host, path));
  if (facts.xattrRefusal !== undefined) {
    reject(text.brickNoXattr(host, path, facts.xattrRefusal));
  }
  if (force) return;
  if (facts.volumeId !== undefined || facts.hasGfid) reject(text.brickInUse(path));
  if (facts.parentInUse !== undefined) reject(text.brickParentInUse(facts.parentInUse));
}

/**
 * Also with force: an LV that a snapshot has goes away with that snapshot. (Two volumes on one LV
 * are allowed, as in stock; it is their snapshots that are refused.)
 */
export function refuseClaimedLv(state: ClusterState, place: BrickPlace, facts: BrickFacts): void {
  if (!facts.lv.thin) return;
  const { vg, lv } = facts.lv;
  const claim = claimsOn(state, { node: place.node, vg, lv }).find(
    (it) => !it.owner.startsWith("volume "),
  );
  if (claim === undefined) return;
  throw refused("brick-refused", text.brickNotAvailable(place.host, place.path), [
    {
      object: brickName(place),
      detail: `The file system is on ${vg}/${lv}, which belongs to ${claim.owner}.`,
      nextStep: "Use another logical volume, or delete the snapshot (and with it the volume).",
    },
  ]);
}

function badArgument(message: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, message);
}

function refused(
  code: "volume-exists" | "host-unknown" | "brick-refused",
  message: string,
  details: CommandFailure["details"] = [],
): CommandFailure {
  return new CommandFailure(code, errno.EG_INTRNL, message, details);
}
