/** The thin pools that bricks are on, of all nodes, and how full they are: a question. */
import { allBricks } from "./brick.ts";
import type { PoolFacts } from "./storage-effects.ts";
import type { Step } from "../command.ts";
import { nodesInOrder } from "../nodes/membership.ts";
import type { ClusterState } from "../state.ts";
import { attemptAll, type CommandContext } from "../steps.ts";

export interface PoolReport {
  /** Host name. */
  host: string;
  vg: string;
  pool: string;
  state: PoolFacts["state"];
  sizeBytes: number;
  usedBytes: number;
  metadataPercent: number;
}

export interface PoolCommands {
  poolList: { args: object; payload: PoolReport[] };
}

interface Place {
  readonly node: string;
  readonly vg: string;
  readonly pool: string;
}

/** Nodes that do not answer are left out: who asks knows of them. */
export function* poolList(context: CommandContext, _args: object): Step<PoolReport[]> {
  const { state } = context;
  const order = nodesInOrder(state);
  const places = placesOf(state);
  const facts = yield* attemptAll(places.map((it) => ({ kind: "poolStatus", ...it })));
  const found = places.flatMap(({ node, vg, pool }, index) => {
    const outcome = facts[index];
    const document = order.find(({ uuid }) => uuid === node);
    if (outcome?.ok !== true || document === undefined) return [];
    const { state: condition, sizeBytes = 0, usedBytes = 0, metadataPercent } =
      outcome.value as PoolFacts;
    const host = document.contact ?? document.hostname;
    return [{ host, vg, pool, state: condition, sizeBytes, usedBytes, metadataPercent }];
  });
  return found.sort((a, b) => compare(`${a.host} ${a.vg}`, `${b.host} ${b.vg}`));
}

function placesOf(state: ClusterState): Place[] {
  const places = new Map<string, Place>();
  const note = ({ node, vg, pool }: Place): void => {
    places.set(`${node} ${vg}/${pool}`, { node, vg, pool });
  };
  for (const { brick } of allBricks(state)) {
    if (brick.thin !== undefined) note({ node: brick.node, ...brick.thin });
  }
  for (const { uuid, madeBricks = [] } of nodesInOrder(state)) {
    for (const brick of madeBricks) note({ node: uuid, ...brick });
  }
  return [...places.values()];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}
