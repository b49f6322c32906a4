/** Commands of every family, chosen by seed, each with what its success does to the pool. */
import type { Random } from "@mortar/sim";
import type { CommandArgs, CommandName } from "../command.ts";
import {
  type Apply, type BrickModel, GUEST, LIMIT_DEFAULT, MANAGED, nextId, onVolume, OPTION,
  type PoolModel, poolOf, QUORUM, taken, type VolumeModel, withSnapshot, withVolume,
} from "./history-model.sim.ts";
import type { ClusterState } from "../state.ts";

export interface Command<Name extends CommandName = CommandName> {
  /** As it is counted. */
  readonly kind: string;
  readonly name: Name;
  readonly args: CommandArgs<Name>;
  /** Absent: a question. */
  readonly apply?: Apply;
}

export function command<Name extends CommandName>(
  kind: string, name: Name, args: CommandArgs<Name>, apply?: Apply,
): Command {
  return { kind, name, args, ...(apply === undefined ? {} : { apply }) };
}

const HOSTS = ["a", "b", "c"] as const;
const SNAPSHOTS = ["s1", "s2", "s3"] as const;
const CLONE = "k";
/** One of several attempts that the state, as this node knows it, lets through. */
const ATTEMPTS = 6;

export function randomCommand(random: Random, state: ClusterState): Command {
  const pool = poolOf(state);
  const plain = random.below(4) === 0;
  for (let attempt = 1; ; attempt++) {
    const chosen = random.pick(families)(random, pool, state);
    if (chosen === undefined) continue;
    if (plain || attempt >= ATTEMPTS || chosen.apply?.(pool) !== undefined) return chosen;
  }
}

type Family = (random: Random, pool: PoolModel, state: ClusterState) => Command | undefined;

const families: readonly Family[] = [
  runs, runs, runs, creates, deletes, settings, snapshots, snapshots, snapshots, restores, clones,
  replacements, resets, additions, removals, removals, rebalances, guests, limits, questions,
];

const anyVolume = (random: Random): string => random.pick(["v", "v", "w", "w", CLONE]);

function runs(random: Random): Command {
  const volume = anyVolume(random);
  if (random.below(2) === 0) {
    return command("volume start", "volumeStart", { volume }, onVolume(volume, (it) =>
      (it.status === "Started" ? undefined : {
        ...it, status: "Started",
        bricks: it.bricks.map((brick) => ({ ...brick, resetting: false })),
      })));
  }
  return command("volume stop", "volumeStop", { volume }, onVolume(volume, (it) =>
    (it.status === "Started" ? { ...it, status: "Stopped" } : undefined)));
}

/** The volumes that every history begins with, created again once they were deleted. */
export function creation(name: "v" | "w"): Command {
  const bricks = HOSTS.map((host, index) => `${host}:/${name}${index}/exp`);
  const layout = name === "v" ? { replica: 3 } : {};
  const models = bricks.map((place, index) =>
    ({ id: `${name}-client-${index}`, place, resetting: false }));
  const args = { name, bricks, ...layout, force: true };
  return command("volume create", "volumeCreate", args, (pool) =>
    (pool.volumes[name] !== undefined ? undefined : withVolume(pool, name, {
      replica: name === "v" ? 3 : 1, option: "", quorum: "", bricks: models,
      status: "Created", task: "", limit: LIMIT_DEFAULT,
    })));
}

function creates(random: Random): Command {
  return creation(random.pick(["v", "w"]));
}

function deletes(random: Random): Command {
  const volume = anyVolume(random);
  return command("volume delete", "volumeDelete", { volume }, (pool) => {
    const it = pool.volumes[volume];
    const hasSnapshots = Object.values(pool.snapshots).some((own) => own.volume === volume);
    if (it === undefined || it.status === "Started" || hasSnapshots) return undefined;
    return withVolume(pool, volume, undefined);
  });
}

function settings(random: Random): Command {
  const volume = anyVolume(random);
  if (random.below(4) === 0) {
    return command("volume reset", "volumeOptionReset", { volume, key: OPTION },
      onVolume(volume, (it) => ({ ...it, option: "" })));
  }
  if (random.below(3) === 0) {
    const value = random.pick(["server", "none"]);
    return command("quorum", "volumeOptionSet", { volume, options: [{ name: QUORUM, value }] },
      onVolume(volume, (it) => ({ ...it, quorum: value })));
  }
  const value = `${random.between(32, 99)}MB`;
  return command("volume set", "volumeOptionSet", { volume, options: [{ name: OPTION, value }] },
    onVolume(volume, (it) => ({ ...it, option: value })));
}

function snapshots(random: Random): Command {
  const name = random.pick(SNAPSHOTS);
  const volume = anyVolume(random);
  return random.pick([
    () => command(
      "snapshot create", "snapshotCreate", { name, volume, timestamp: false }, (pool) => {
        const it = pool.volumes[volume];
        if (it?.status !== "Started" || pool.snapshots[name] !== undefined) return undefined;
        return withSnapshot(pool, name, { ...taken(it), volume, active: false });
      }),
    () => command("snapshot activate", "snapshotActivate", { snapshot: name },
      activation(name, true)),
    () => command("snapshot deactivate", "snapshotDeactivate", { snapshot: name },
      activation(name, false)),
    // One whose deletion waits for a node can be deleted again, which is a success too.
    () => command("snapshot delete", "snapshotDelete", { snapshot: name }, (pool) =>
      withSnapshot(pool, name, undefined)),
  ])();
}

function activation(name: string, active: boolean): Apply {
  return (pool) => {
    const it = pool.snapshots[name];
    if (it === undefined || it.active === active) return undefined;
    return withSnapshot(pool, name, { ...it, active });
  };
}

function restores(random: Random): Command {
  const snapshot = random.pick(SNAPSHOTS);
  const args = { snapshot, safety: random.below(2) === 0 };
  return command("snapshot restore", "snapshotRestore", args, (pool) => {
    const it = pool.snapshots[snapshot];
    const volume = it === undefined ? undefined : pool.volumes[it.volume];
    if (it === undefined || volume === undefined || volume.status === "Started") return undefined;
    const { replica, option, quorum, bricks } = it;
    const restored: VolumeModel = { ...volume, replica, option, quorum, bricks, task: "" };
    return withSnapshot(withVolume(pool, it.volume, restored), snapshot, undefined);
  });
}

function clones(random: Random): Command {
  const snapshot = random.pick(SNAPSHOTS);
  return command("snapshot clone", "snapshotClone", { snapshot, name: CLONE }, (pool) => {
    const it = pool.snapshots[snapshot];
    if (it?.active !== true || pool.volumes[CLONE] !== undefined) return undefined;
    const bricks = it.bricks.map((brick, index) => ({ ...brick, id: `${CLONE}-client-${index}` }));
    const { replica, option, quorum } = it;
    return withVolume(pool, CLONE, {
      replica, option, quorum, bricks, status: "Created", task: "", limit: LIMIT_DEFAULT,
    });
  });
}

/** A brick of a volume, with the name that it has in the documents. */
function brickIn(
  random: Random, volume: string, { pool, state }: { pool: PoolModel; state: ClusterState },
): (BrickModel & { readonly named: string }) | undefined {
  const bricks = pool.volumes[volume]?.bricks ?? [];
  if (bricks.length === 0) return undefined;
  const index = random.below(bricks.length);
  const { host, path } = state.volumes.get(volume)!.document.bricks[index]!;
  return { ...bricks[index]!, named: `${host}:${path}` };
}

/** A command names a brick by its place; one that Mortar mounts has another one each time. */
const found = (it: VolumeModel, { id, place }: BrickModel): BrickModel | undefined =>
  it.bricks.find((brick) =>
    brick.place === place && (!place.endsWith(MANAGED) || brick.id === id));

function replacements(random: Random, pool: PoolModel, state: ClusterState): Command | undefined {
  const brick = brickIn(random, "v", { pool, state });
  if (brick === undefined) return undefined;
  const host = brick.place.slice(0, 1);
  const lv = `${random.pick(["v", "x"])}${HOSTS.indexOf(host as "a")}`;
  const target = `${host}:/${lv}/exp`;
  const args = { volume: "v", source: brick.named, target };
  return command("replace-brick", "volumeReplaceBrick", args, onVolume("v", (it) => {
    const isUsed = it.bricks.some((other) => other.place === target);
    const present = found(it, brick);
    if (it.status !== "Started" || isUsed || present === undefined) return undefined;
    return { ...it, bricks: exchanged(it, present.id, { place: target, resetting: false }) };
  }));
}

function exchanged(it: VolumeModel, id: string, change: Partial<BrickModel>): BrickModel[] {
  return it.bricks.map((brick) => (brick.id === id ? { ...brick, ...change } : brick));
}

function resets(random: Random, pool: PoolModel, state: ClusterState): Command | undefined {
  const brick = brickIn(random, "v", { pool, state });
  if (brick === undefined) return undefined;
  const source = brick.named;
  const isStart = random.below(2) === 0;
  const args = isStart
    ? { volume: "v", source, action: "start" as const }
    : { volume: "v", source, target: source, action: "force" as const };
  return command(isStart ? "reset-brick start" : "reset-brick commit", "volumeResetBrick", args,
    onVolume("v", (it) => {
      const present = found(it, brick);
      if (it.status !== "Started" || present === undefined) return undefined;
      // A commit of a brick that was not taken out is accepted when it is down.
      return { ...it, bricks: exchanged(it, present.id, { resetting: isStart }) };
    }));
}

function additions(random: Random): Command {
  const index = random.below(HOSTS.length);
  const place = `${HOSTS[index]}:/${random.pick(["w", "y"])}${index}/exp`;
  const args = { volume: "w", bricks: [place], force: true };
  return command("add-brick", "volumeAddBrick", args, onVolume("w", (it) => {
    const isUsed = it.bricks.some((brick) => brick.place === place);
    if (isUsed || Array.isArray(it.task)) return undefined;
    const added = { id: nextId("w", it), place, resetting: false };
    return { ...it, bricks: [...it.bricks, added] };
  }));
}

function removals(random: Random, pool: PoolModel, state: ClusterState): Command | undefined {
  const task = pool.volumes["w"]?.task;
  const brick = brickIn(random, "w", { pool, state });
  if (brick === undefined) return undefined;
  const action = random.pick(Array.isArray(task)
    ? (["commit", "commit", "commit", "stop", "start"] as const)
    : (["start", "start", "start", "force", "stop"] as const));
  const doomed = Array.isArray(task) && task[0] !== undefined ? named(task[0], pool, state) : brick;
  const args = { volume: "w", bricks: [doomed.named], action };
  return command(`remove-brick ${action}`, "volumeRemoveBrick", args, onVolume("w", (it) => {
    const present = found(it, doomed);
    if (present === undefined) return undefined;
    const isRemoving = Array.isArray(it.task) && it.task.includes(present.id);
    const bricks = it.bricks.filter(({ id }) => id !== present.id);
    if (action === "stop") return isRemoving ? { ...it, task: "" } : undefined;
    if (bricks.length === 0) return undefined;
    if (action === "start") {
      const isFree = it.status === "Started" && !Array.isArray(it.task);
      return isFree ? { ...it, task: [present.id] } : undefined;
    }
    if (action === "commit" ? !isRemoving : Array.isArray(it.task) && !isRemoving) return undefined;
    return { ...it, bricks, task: "" };
  }));
}

function named(
  id: string, pool: PoolModel, state: ClusterState,
): BrickModel & { readonly named: string } {
  const index = pool.volumes["w"]!.bricks.findIndex((it) => it.id === id);
  const { host, path } = state.volumes.get("w")!.document.bricks[index]!;
  return { ...pool.volumes["w"]!.bricks[index]!, named: `${host}:${path}` };
}

function rebalances(random: Random): Command {
  const action = random.pick(["start", "start", "stop", "fix-layout"] as const);
  return command(`rebalance ${action}`, "volumeRebalance", { volume: "w", action },
    onVolume("w", (it) => {
      if (action === "stop") return it.task === "rebalance" ? it : undefined;
      const isFit = it.status === "Started" && it.bricks.length > 1 && !Array.isArray(it.task);
      return isFit ? { ...it, task: "rebalance" } : undefined;
    }));
}

function guests(random: Random): Command {
  const isIn = random.below(2) === 0;
  const args = { uuid: GUEST, hostname: "d", address: "d", snapMountRoot: "/run/gluster/snaps" };
  const apply: Apply = (pool) => ({ ...pool, guest: isIn });
  return isIn
    ? command("peer probe", "nodeAdd", args, apply)
    : command("peer detach", "nodeRemove", { host: "d" }, (pool) =>
      (pool.guest ? apply(pool) : undefined));
}

function limits(random: Random): Command {
  const volume = anyVolume(random);
  const hardLimit = random.between(5, 9);
  return command("snapshot config", "snapshotConfigSet", { volume, hardLimit },
    onVolume(volume, (it) => ({ ...it, limit: hardLimit })));
}

function questions(random: Random): Command {
  const volume = anyVolume(random);
  return random.pick([
    () => command("volume info", "volumeInfo", {}),
    () => command("volume status", "volumeStatus", { volume }),
    () => command("heal", "volumeHeal", { volume }),
    () => command("heal info", "volumeHealInfo", { volume }),
    () => command("rebalance status", "volumeRebalance", { volume: "w", action: "status" },
      onVolume("w", (it) => (it.task === "rebalance" ? it : undefined))),
    () => command("snapshot info", "snapshotInfo", {}),
  ])();
}
