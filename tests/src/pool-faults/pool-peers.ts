/** A node without bricks that is let in and taken out, again and again, by any of the others. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@mortar/sim";
import type { PoolNode } from "./pool-node.ts";

export interface PoolPeers {
  /** After all is settled: whether all say the same, and it can still be let in and taken out. */
  check(): Promise<string[]>;
}

const ATTEMPT_MS = 3_000;
const ATTEMPTS = 40;

export async function runPeers(
  nodes: readonly PoolNode[], guest: PoolNode, random: Random, untilMs: number,
): Promise<PoolPeers> {
  while (performance.now() < untilMs) {
    await sleep(random.between(2_000, 9_000));
    const { client } = random.pick(nodes);
    const change = random.chance(0.6)
      ? client.peerProbe({ host: guest.address })
      : client.peerDetach(guest.address);
    await change.catch(() => undefined);
  }
  return { check: () => check(nodes, guest) };
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
