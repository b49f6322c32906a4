/**
 * One change of a thin pool, over the two things that must agree: the text of the volume group, and
 * the pool's metadata. Each step is durable before the next begins.
 *
 *     1  text  transaction N+1, with the message          the promise
 *     2  pool  performs the message, its id becomes N+1    one commit of the pool
 *     3  text  without the message
 *
 * Whoever dies after 1 or 2 leaves a message in the text. The next command that touches the pool
 * sends it again; the pool knows from its own id whether it has been performed. A pool that refuses
 * the message has done nothing, and the text goes back to what it said before.
 */
import { requireThinPool, stripMessages, type VolumeGroup } from "@mortar/lvm2";
import { findPool, ensurePool, isDefiniteRefusal, poolCall } from "./pool-host.ts";
import type { VgHost } from "./host.ts";
import { commitVg, type LoadedVg } from "./loaded-vg.ts";
import { pendingMessages } from "./served-spec.ts";
import type { RunningPool } from "./running-pool.ts";
import { VgError } from "./vg-error.ts";

/** Send what an earlier command left queued. Starts the pool only if something is. */
export async function settlePool(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
): Promise<LoadedVg> {
  const pool = requireThinPool(loaded.vg, poolName);
  if (pool.segment.messages.length === 0) return loaded;
  await deliver(await ensurePool(host, loaded, pool), loaded, poolName);
  return commitVg(loaded, stripMessages(loaded.vg, poolName));
}

/** The same for every pool of a group. */
export async function settleAll(
  host: VgHost,
  loaded: LoadedVg,
  poolNames: readonly string[],
): Promise<LoadedVg> {
  let settled = loaded;
  for (const name of poolNames) settled = await settlePool(host, settled, name);
  return settled;
}

/** To a pool that answered a moment ago: writers may wait meanwhile, so nothing is looked up here. */
async function deliver(
  { client, directory }: RunningPool, loaded: LoadedVg, poolName: string,
): Promise<void> {
  const pool = requireThinPool(loaded.vg, poolName);
  const request = {
    messages: pendingMessages(loaded.vg, pool),
    transactionId: pool.segment.transactionId,
  };
  await poolCall(`${loaded.vg.name}/${poolName}`, directory, client.message(request));
}

/**
 * Change a pool: `next` is the group with the message queued. The pool must be settled and able to
 * start; both are checked before anything is written. `around` runs the pool's part, for a caller
 * that holds a file system still meanwhile.
 */
export async function changePool(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
  next: VolumeGroup,
  around: (work: () => Promise<void>) => Promise<void> = async (work) => await work(),
): Promise<LoadedVg> {
  const running = await ensurePool(host, loaded, requireThinPool(loaded.vg, poolName));
  const queued = commitVg(loaded, next);
  host.step("message-queued");
  try {
    await around(async () => await deliver(running, queued, poolName));
  } catch (error) {
    const isOff = isDefiniteRefusal(error) || (error instanceof VgError && error.code === "abandoned");
    if (isOff && !(await hasPerformed(host, queued, poolName))) {
      commitVg(queued, { ...loaded.vg, seqno: queued.vg.seqno });
    }
    throw error;
  }
  host.step("message-performed");
  const done = commitVg(queued, stripMessages(queued.vg, poolName));
  host.step("text-committed");
  return done;
}

async function hasPerformed(host: VgHost, queued: LoadedVg, poolName: string): Promise<boolean> {
  const running = await findPool(host, queued.vg.name, poolName);
  const status = await running?.client.status();
  const { transactionId } = requireThinPool(queued.vg, poolName).segment;
  return status?.pool === undefined || status.pool.transactionId >= transactionId;
}
