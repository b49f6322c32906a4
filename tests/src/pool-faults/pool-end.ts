/** After the faults: what every node says, and what is left on the machine. */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SnapshotInfo, VolumeInfo } from "@mortar/api";
import { OPTION, type VolumePlan } from "./pool-clients.ts";
import { noVolume, textOf, type VolumeState } from "./pool-model.ts";
import type { PoolNetwork } from "./pool-network.ts";
import type { PoolNode } from "./pool-node.ts";

const run = promisify(execFile);

export interface Told {
  readonly states: ReadonlyMap<string, VolumeState>;
  /** All of it as one text: equal on two nodes when they agree. */
  readonly text: string;
}

/** What a node says; a sentence when it does not. */
export async function toldBy(node: PoolNode, volumes: readonly VolumePlan[]): Promise<Told | string> {
  try {
    const infos = await node.client.volumeInfoAll();
    const snapshots = await node.client.snapshotInfo({});
    if (!infos.ok || !snapshots.ok) return `${node.name} refuses questions`;
    const states = new Map(volumes.map((plan) =>
      [plan.name, stateOf(plan, infos.result, snapshots.result.snapshots)]));
    const deleting = snapshots.result.snapshots.filter((it) => it.deleting !== undefined);
    if (deleting.length > 0) return `${deleting.map((it) => it.name).join()} is being deleted`;
    const text = [...states].map(([name, state]) => `${name} ${textOf(state)}`).join("\n");
    return { states, text };
  } catch (error) {
    return `${node.name}: ${(error as Error).message}`;
  }
}

function stateOf(
  { name, extras }: VolumePlan, volumes: readonly VolumeInfo[], snapshots: readonly SnapshotInfo[],
): VolumeState {
  const volume = volumes.find((it) => it.name === name);
  if (volume === undefined) return noVolume;
  const own = snapshots.filter((it) => it.snapVolumes.some((snap) => snap.originVolume === name));
  const entries = own.map((it): [string, boolean] =>
    [it.name.slice(name.length + 1), it.snapVolumes.every((snap) => snap.status === "Started")]);
  return {
    status: volume.status,
    extras: extras.flatMap((extra, index) =>
      (volume.bricks.some(({ host, path }) => `${host}:${path}` === extra) ? [index] : [])),
    option: volume.options.find((it) => it.name === OPTION)?.value ?? "",
    snapshots: Object.fromEntries(entries),
  };
}

/** Why this is not the end yet; empty: it is. */
export async function unsettled(
  nodes: readonly PoolNode[], network: PoolNetwork, volumes: readonly VolumePlan[],
): Promise<string[]> {
  const told = await Promise.all(nodes.map((node) => toldBy(node, volumes)));
  const silent = told.filter((it) => typeof it === "string");
  if (silent.length > 0) return silent;
  const texts = told.map((it) => (it as Told).text);
  if (new Set(texts).size > 1) {
    return texts.map((text, index) => `${nodes[index]?.name} says:\n${text}`);
  }
  const reasons = [...(await intents(nodes[0]!, network)), ...(await processesAmiss(nodes, volumes))];
  for (const node of nodes) reasons.push(...frozen(node));
  return reasons;
}

async function intents(node: PoolNode, network: PoolNetwork): Promise<string[]> {
  const tls = join(node.stateDirectory, "tls");
  const [program = "", ...words] = network.within(
    node.index, "etcdctl", "--endpoints", `https://${node.address}:24018`,
    "--cacert", join(tls, "authority.pem"), "--cert", join(tls, "node.pem"),
    "--key", join(tls, "node.key"), "get", "--prefix", "mortar/d/intent/",
  );
  try {
    const { stdout } = await run(program, words, {
      env: { ...process.env, ETCDCTL_API: "3" }, timeout: 20_000,
    });
    return stdout.trim() === "" ? [] : [`an intent is left: ${stdout.slice(0, 600)}`];
  } catch (error) {
    return [`etcd of ${node.name} does not tell: ${(error as Error).message}`];
  }
}

/** Bricks of started volumes run, and no others. */
async function processesAmiss(
  nodes: readonly PoolNode[], volumes: readonly VolumePlan[],
): Promise<string[]> {
  const reasons: string[] = [];
  for (const node of nodes) {
    const told = await toldBy(node, volumes);
    const answer = await node.client.nodeStatus();
    if (typeof told === "string" || !answer.ok) return [`${node.name} does not say what runs`];
    const wanted = volumes.flatMap(({ name, bricks, extras }) =>
      (told.states.get(name)?.status === "Started"
        ? [...bricks, ...told.states.get(name)!.extras.map((it) => extras[it]!)].filter((it) => it.startsWith(`${node.address}:`)).map((it) => it.slice(it.indexOf(":") + 1))
        : []));
    const running = answer.result.bricks.filter((it) => it.snapshot === undefined);
    const online = running.filter((it) => it.state === "online").map((it) => it.path);
    if (wanted.toSorted().join() !== online.toSorted().join() || online.length !== running.length) {
      const shown = running.map((it) => `${it.path} ${it.state}`).join(", ");
      reasons.push(`${node.name} is to run [${wanted.join()}] and runs [${shown}]`);
    }
  }
  return reasons;
}

function frozen({ name, root }: PoolNode): string[] {
  return ["frozen", "quiet"].flatMap((kind) => {
    const files = readdirSync(join(root, "run/mortar", kind));
    return files.length === 0 ? [] : [`${name}: ${kind} is not empty: ${files.join()}`];
  });
}

/** Logical volumes that nobody knows of, and ones that are missing. */
export async function strayLvs(
  node: PoolNode, bricks: number, told: Told, volumes: readonly VolumePlan[],
): Promise<string[]> {
  const text = await node.mortar("lvs", "--noheadings", "-o", "lv_name", node.vg);
  const found = text.split("\n").map((it) => it.trim()).filter((it) => it !== "");
  const plain = new Set(["pool", ...Array.from({ length: bricks }, (_, brick) => `brick${brick}`)]);
  const others = found.filter((it) => !plain.has(it));
  const expected = volumes.flatMap(({ name, bricks: places }) => {
    const count = Object.keys(told.states.get(name)?.snapshots ?? {}).length;
    return places.filter((it) => it.startsWith(`${node.address}:`)).map(() => count);
  }).reduce((sum, count) => sum + count, 0);
  if (found.length - others.length !== plain.size) return [`${node.name} lacks one of ${[...plain].join()}`];
  return others.length === expected
    ? []
    : [`${node.name} has ${others.length} logical volumes of snapshots, not ${expected}: ${others.join()}`];
}

/** Each brick takes a write. */
export async function unwritable(node: PoolNode, bricks: number): Promise<string[]> {
  const reasons: string[] = [];
  for (let brick = 0; brick < bricks; brick++) {
    const file = join(node.mountPoint(brick), "exp", ".probe");
    const line = `echo x > ${file} && sync ${file} && rm ${file}`;
    try {
      await run("timeout", ["-s", "KILL", "15", "sh", "-c", line], { timeout: 20_000 });
    } catch (error) {
      reasons.push(`${node.name}: ${node.mountPoint(brick)}: ${(error as Error).message}`);
    }
  }
  return reasons;
}

