import assert from "node:assert/strict";
import { test } from "node:test";
import { linearTable, sameTable, thinPoolTable, thinTable, type ThinPoolTarget } from "./tables.ts";

const pool: ThinPoolTarget = {
  metadata: "253:0",
  data: "253:1",
  lengthSectors: 516_096,
  chunkSectors: 128,
  lowWaterChunks: 0,
  zeroNewBlocks: true,
  discards: "passdown",
  errorWhenFull: false,
};

// The expected lines are `dmsetup table` of volumes that LVM 2.03.16 activated.

test("a pool with every default has no features", () => {
  assert.deepEqual(thinPoolTable(pool), [
    {
      startSectors: 0,
      lengthSectors: 516_096,
      type: "thin-pool",
      parameters: "253:0 253:1 128 0 0",
    },
  ]);
});

test("a pool's settings are features, in LVM's order", () => {
  const set = { ...pool, zeroNewBlocks: false, errorWhenFull: true } as const;
  const parametersOf = (target: ThinPoolTarget) => thinPoolTable(target)[0]?.parameters;
  assert.equal(
    parametersOf({ ...set, discards: "nopassdown" }),
    "253:0 253:1 128 0 3 skip_block_zeroing no_discard_passdown error_if_no_space",
  );
  assert.equal(
    parametersOf({ ...set, discards: "ignore", lowWaterChunks: 40 }),
    "253:0 253:1 128 40 3 skip_block_zeroing ignore_discard error_if_no_space",
  );
});

test("runs of a linear device lie one after the other", () => {
  const run = (deviceNumber: string, offsetSectors: number, lengthSectors: number) => {
    return { deviceNumber, offsetSectors, lengthSectors };
  };
  assert.deepEqual(linearTable([run("254:0", 10_240, 400), run("254:16", 2048, 100)]), [
    { startSectors: 0, lengthSectors: 400, type: "linear", parameters: "254:0 10240" },
    { startSectors: 400, lengthSectors: 100, type: "linear", parameters: "254:16 2048" },
  ]);
});

test("a table compares equal to what the kernel prints of it, and to no other", () => {
  const own = thinPoolTable(pool);
  const printed = own.map((target) => ({ ...target, parameters: `${target.parameters} ` }));
  assert.equal(sameTable(own, printed), true);
  assert.equal(sameTable(own, []), false);
  assert.equal(sameTable(thinTable("253:2", 1, 8), thinTable("253:2", 1, 16)), false);
  assert.equal(sameTable(thinTable("253:2", 1, 8), thinTable("253:2", 2, 8)), false);
});
