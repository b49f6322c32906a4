/** A node without bricks that is let in and taken out, again and again, by any of the others. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@mortar/sim";
import type { Operators } from "./pool-clients.ts";
import type { PoolNode } from "./pool-node.ts";

/** The name of its history. */
export const GUEST = "guest";

export interface PoolPeers {
  /** After all is settled: whether all say the same, and it can still be let in and taken out. */
  check(): Promise<string[]>;
}

const ATTEMPT_MS = 3_000;
const ATTEMPTS = 40;

export interface PeersOptions {
  readonly nodes: readonly PoolNode[];
  readonly guest: PoolNode;
  readonly operators: Operators;
  readonly random: Random;
  readonly untilMs: number;
}

export async function runPeers(
  { nodes, guest, operators, random, untilMs }: PeersOptions,
): Promise<PoolPeers> {
  while (performance.now() < untilMs) {
    await sleep(random.between(1_000, 5_000));
    const node = random.pick(nodes);
    const { client } = node;
    const change = random.chance(0.6)
      ? { command: { verb: "probe" }, sent: () => client.peerProbe({ host: guest.address }) } as const
      : { command: { verb: "detach" }, sent: () => client.peerDetach(guest.address) } as const;
    await operators.note(node, GUEST, change);
  }
  return { check: () => check(nodes, guest) };
}

/** Whether the guest is in, as a node says. */
export async function hasGuest({ client }: PoolNode, guest: PoolNode): Promise<boolean> {
  const answer = await client.peerList();
  return answer.ok && answer.result.some((it) => it.hostname === guest.address);
}

async function check(nodes: readonly PoolNode[], guest: PoolNode): Promise<string[]> {
  const [first] = nodes;
  const probed = await attempt(async () => (await first!.client.peerProbe({ host: guest.address })).ok);
  if (!probed) return [`${guest.name} is not let in any more: ${await reason(first!, guest)}`];
  const all = [...nodes, guest];
  const agreed = await attempt(async () =>
    (await Promise.all(all.map(listed))).every((it) => it === `${all.length} of ${all.length}`));
  if (!agreed) return [`the nodes do not agree on who is in: ${(await Promise.all(all.map(listed))).join()}`];
  const detached = await attempt(async () => (await first!.client.peerDetach(guest.address)).ok);
  return detached ? [] : [`${guest.name} is not taken out`];
}

async function listed({ client }: PoolNode): Promise<string> {
  const answer = await client.peerList();
  if (!answer.ok) return "refused";
  return `${answer.result.filter((it) => it.connected).length} of ${answer.result.length}`;
}

async function reason({ client }: PoolNode, guest: PoolNode): Promise<string> {
  const answer = await client.peerProbe({ host: guest.address });
  return answer.ok ? "" : answer.problem.detail;
}

async function attempt(work: () => Promise<boolean>): Promise<boolean> {
  for (let count = 0; count < ATTEMPTS; count++) {
    if (await work().catch(() => false)) return true;
    await sleep(ATTEMPT_MS);
  }
  return false;
}
