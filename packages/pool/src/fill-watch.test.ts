import assert from "node:assert/strict";
import { test } from "node:test";
import { FillWatch } from "./fill-watch.ts";
import type { EngineStatus } from "./status.ts";

const healthy: EngineStatus = {
  transactionId: 1,
  mode: "write",
  needsCheck: false,
  chunkSectors: 128,
  dataUsedBlocks: 0,
  dataTotalBlocks: 1000,
  metadataUsedBlocks: 111,
  metadataTotalBlocks: 1024,
  heldRoot: null,
};

function filled(dataUsedBlocks: number, more: Partial<EngineStatus> = {}): EngineStatus {
  return { ...healthy, dataUsedBlocks, ...more };
}

const kinds = (said: readonly { kind: string }[]): string[] => said.map(({ kind }) => kind);

test("it speaks once above the threshold, then at each further 5 %", () => {
  const watch = new FillWatch("vg0/tp", 80);
  assert.deepEqual(watch.look(filled(800), false), []);
  assert.equal(watch.wantsExtension(0), false);
  const [said] = watch.look(filled(801), false);
  assert.equal(said?.kind, "data-high");
  assert.match(said?.message ?? "", /80\.10% full.*50\.06 MiB of 62\.50 MiB used, 12\.44 MiB free/);
  assert.equal(said?.nextStep, "lvextend -L +SIZE vg0/tp");
  const spoke = [810, 840, 851, 852, 899, 901].map((used) => watch.look(filled(used), false).length);
  assert.deepEqual(spoke, [0, 0, 1, 0, 0, 1]);
});

test("below the threshold it forgets, and speaks again", () => {
  const watch = new FillWatch("vg0/tp", 80);
  assert.equal(watch.look(filled(990), false).length, 1);
  assert.equal(watch.look(filled(500), false).length, 0);
  assert.deepEqual(kinds(watch.look(filled(801), false)), ["data-high"]);
});

test("metadata is judged by itself, with the kernel's reserve counted as used", () => {
  const watch = new FillWatch("vg0/tp", 80);
  const [said] = watch.look(filled(10, { metadataUsedBlocks: 900 }), false);
  assert.equal(said?.kind, "metadata-high");
  assert.equal(said?.nextStep, "lvextend --poolmetadatasize +SIZE vg0/tp");
});

test("an extension that failed is tried again after a pause that doubles", () => {
  const watch = new FillWatch("vg0/tp", 80);
  watch.look(filled(810), false);
  assert.equal(watch.wantsExtension(0), true);
  watch.extensionEnded(false, 0);
  assert.equal(watch.wantsExtension(9999), false);
  assert.equal(watch.wantsExtension(10_000), true);
  watch.extensionEnded(false, 10_000);
  assert.equal(watch.wantsExtension(29_999), false);
  watch.look(filled(860), false);
  assert.equal(watch.wantsExtension(10_001), true, "at the next 5 % at once");
});

test("a full pool asks for more at once, and every two seconds", () => {
  const watch = new FillWatch("vg0/tp", 80);
  watch.look(filled(990), false);
  watch.extensionEnded(false, 0);
  const said = watch.look(filled(1000, { mode: "out-of-data-space" }), true);
  assert.deepEqual(kinds(said), ["full"]);
  assert.equal(watch.wantsExtension(1), true);
  watch.extensionEnded(false, 1);
  assert.equal(watch.wantsExtension(1999), false);
  assert.equal(watch.wantsExtension(2001), true);
  const room = { dataTotalBlocks: 2000 };
  assert.deepEqual(kinds(watch.look(filled(1000, room), false)), ["not-full"]);
});

test("a threshold of 100 never extends, and still tells of a full pool", () => {
  const watch = new FillWatch("vg0/tp", 100);
  assert.deepEqual(kinds(watch.look(filled(1000, { mode: "out-of-data-space" }), true)), ["full"]);
  assert.equal(watch.wantsExtension(0), false);
});

test("a pool that needs a check says so once, names the repair, and is not extended", () => {
  const watch = new FillWatch("vg0/tp", 80);
  const broken = filled(990, { mode: "read-only", needsCheck: true });
  const said = watch.look(broken, false);
  assert.deepEqual(kinds(said), ["data-high", "needs-check"]);
  assert.match(said[1]?.nextStep ?? "", /mortar pool repair vg0\/tp/);
  assert.deepEqual(watch.look(broken, false), []);
  assert.equal(watch.wantsExtension(0), false);
});
