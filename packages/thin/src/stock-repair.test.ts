/**
 * Our repair beside Debian's thin_repair, on the same damaged metadata. Whatever is damaged, ours must be
 * sound when it says that it worked, must not bring back what the last commit had not (unless it says
 * that older roots were taken), and must save what thin_repair saves. Many seeds: npm run soak -- --only repair.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { Random } from "@mortar/sim";
import { damages } from "./repair-damage.fixture.ts";
import { agedPool, restoredPool } from "./repair-patients.fixture.ts";
import { compareRepairs } from "./stock-repair.fixture.ts";
import type { Comparison } from "./stock-repair.fixture.ts";

const { error } = spawnSync("thin_repair", ["--version"]);
const options = { skip: error === undefined ? false : `thin_repair cannot be run: ${error.message}` };

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), `mortar-stock-repair-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Where the roots of the superblock hold, there is one right answer; else the newest state is taken. */
function requireNoWorse(what: string, it: Comparison): void {
  assert.deepEqual(it.faults, [], what);
  if (it.ours?.roots.from === "superblock") assert.equal(it.missed, 0, what);
  if (it.stockSaved && it.stockKept > 0) {
    assert.ok(it.ours !== undefined, `${what}: thin_repair saves ${it.stockKept}, we refuse: ${it.refusal}`);
  }
}

for (const held of [false, true]) {
  const whose = held ? "a pool of ours with a metadata snapshot" : "a pool of ours";
  test(`repair of ${whose} is no worse than thin_repair's, whatever is damaged`, options, (context) => {
    const directory = scratch(context);
    const random = new Random(held ? 11 : 12);
    const patient = agedPool(random, { held, steps: 24 });
    let compared = 0;
    for (const damage of damages) {
      const comparison = compareRepairs(patient, damage, random, directory);
      if (comparison === undefined) continue;
      requireNoWorse(damage.what, comparison);
      if (damage.what === "nothing") assert.equal(comparison.oursKept, comparison.lastCount);
      compared += 1;
    }
    assert.ok(compared >= damages.length - 2, `${compared} kinds of damage`);
  });
}

test("repair of what thin_restore made, where no older roots are, is no worse either", options, (context) => {
  const directory = scratch(context);
  const random = new Random(13);
  const patient = restoredPool(random, directory);
  const chosen = ["an internal node", "the tree of details", "the superblock is zero", "the root of a device"];
  for (const what of chosen) {
    const comparison = compareRepairs(patient, damages.find((it) => it.what === what)!, random, directory);
    assert.ok(comparison, what);
    requireNoWorse(what, comparison);
    if (what === "the tree of details") assert.equal(comparison.oursKept, comparison.lastCount);
  }
});

