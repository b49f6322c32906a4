// How much room a brick tells clients of, asked of us and of a stock glusterfsd on one file system.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fops, NO_DICTIONARY } from "@mortar/gluster";
import { withBoth } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");

async function roomOf({ client }: WireBrick) {
  const { opRet, statfs } = await client.call(fops.statfs, { gfid: ROOT, xdata: NO_DICTIONARY });
  assert.equal(opRet, 0);
  return statfs;
}

test("STATFS counts the reserve as used, as glusterfsd does", options, () =>
  withBoth(async ([stock, ours]) => {
    // Others use the file system: what counts is two answers between which nothing has changed.
    for (;;) {
      const before = statfsSync(stock!.path);
      const [theirs, own] = [await roomOf(stock!), await roomOf(ours!)];
      const after = statfsSync(stock!.path);
      if (before.bfree !== after.bfree || before.ffree !== after.ffree) {
        await delay(10);
        continue;
      }
      assert.deepEqual(own, theirs);
      assert.ok(own.bfree < before.bfree, "some of it is kept");
      return;
    }
  }));
