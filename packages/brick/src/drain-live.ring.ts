// Draining with real clients: while the bricks of a set hold new transactions, all of them are
// alike, in the middle of a load, and nothing is marked as to be healed.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { healLoad, healVerify, missingForHeal, withHealVolume } from "./heal.fixture.ts";
import type { HealVolume } from "./heal.fixture.ts";
import { askBrick } from "./index.ts";
import type { DrainReport } from "./index.ts";
import type { LockClaim } from "./services/lock-drain.ts";

const reason = missingForHeal();
const options = { timeout: 120_000, ...(reason === undefined ? {} : { skip: reason }) };
const HURRY_MS = 1500;
const DRAIN_MS = 10_000;
const STALLED = 20;

function ask(volume: HealVolume, request: object): Promise<unknown[]> {
  return Promise.all(
    volume.bricks.map(({ spec }) => askBrick(spec.controlSocket, request)),
  );
}

const ownerOf = ({ process: client, owner }: LockClaim) => `${client} ${owner}`;

/** Like whoever snapshots all bricks: who holds a lock on one of them goes on on the others. */
async function drain(volume: HealVolume): Promise<void> {
  const order = { command: "drain", timeoutMs: 60_000 };
  for (let waited = 0; waited < HURRY_MS; waited += 20) {
    const reports = (await ask(volume, { ...order, holds: false })) as DrainReport[];
    if (reports.every(({ old }) => old === 0)) break;
    await delay(20);
  }
  let leaves: object[] = [];
  let before = "";
  let unchanged = 0;
  const deadline = Date.now() + DRAIN_MS;
  for (;;) {
    const reports = (await ask(volume, { ...order, holds: true, leaves })) as DrainReport[];
    const held = reports.flatMap((report) => report.held);
    if (held.length === 0) return;
    assert.ok(Date.now() < deadline, `still held: ${JSON.stringify(held)}`);
    const owners = new Set(held.map(ownerOf));
    const now = held.map(ownerOf).join();
    unchanged = now === before ? unchanged + 1 : 0;
    before = now;
    leaves = reports
      .flatMap(({ waiting }) => waiting)
      // A rename of EC waits for itself under another owner.
      .filter((claim) => owners.has(ownerOf(claim)) || unchanged > STALLED)
      .map(({ process: client, owner }) => ({ process: client, owner }));
    await delay(1);
  }
}

/** An entry of the index for a file that was removed: the self-heal daemon throws it away. */
function isOfGone({ bricks }: HealVolume, difference: string): boolean {
  const gfid = /^brick \d ! index xattrop\/([0-9a-f-]{36})$/.exec(difference)?.[1];
  if (gfid === undefined) return false;
  const handle = join(".glusterfs", gfid.slice(0, 2), gfid.slice(2, 4), gfid);
  return bricks.every(({ path }) => !existsSync(join(path, handle)));
}

for (const kind of ["replica", "disperse"] as const) {
  test(`${kind}: drained bricks are alike, and what waited goes on`, options, () =>
    withHealVolume(kind, ["builtin", "builtin", "builtin"], async (volume) => {
      const load = healLoad(volume, 7, 3, 11);
      load.catch(() => undefined);
      for (let round = 0; round < 3; round++) {
        await delay(1500);
        await drain(volume);
        const differences = (await volume.differences()).filter((it) => !isOfGone(volume, it));
        assert.deepEqual(differences, [], `round ${round}`);
        const ended = await ask(volume, { command: "drain-end" });
        assert.deepEqual(ended, [true, true, true], "it was on all the time");
      }
      await load;
      // Disperse writes sizes a second late. The client's cache may have older ones after fallocate,
      // with every server: a new client is asked.
      await delay(2000);
      await volume.unmount();
      await volume.mount();
      assert.match(await healVerify(volume), /^verified [1-9]/);
    }));
}
