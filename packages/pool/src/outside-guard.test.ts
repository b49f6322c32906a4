import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { outsideGuard } from "./outside-guard.ts";
import { readPoolEvents } from "./pool-events.ts";
import { DEFAULT_PROTECTION } from "./protection.ts";
import type { ThinPoolSpec } from "./spec.ts";
import type { EngineStatus } from "./status.ts";

const run = mkdtempSync(join(tmpdir(), "mortar-outside-"));
after(() => rmSync(run, { recursive: true }));

const SPEC: ThinPoolSpec = {
  kind: "thin-pool",
  vgName: "vg",
  poolName: "p",
  uuid: "u",
  devices: [],
  metadata: [],
  data: [],
  chunkSectors: 128,
  zeroNewBlocks: true,
  discards: "passdown",
  errorWhenFull: false,
  transactionId: 0,
  messages: [],
  volumes: [],
};

const EMPTY: EngineStatus = {
  transactionId: 0,
  mode: "write",
  needsCheck: false,
  chunkSectors: 128,
  dataUsedBlocks: 10,
  dataTotalBlocks: 100,
  metadataUsedBlocks: 10,
  metadataTotalBlocks: 1024,
  heldRoot: null,
};

test("a pool of another engine is extended when it fills up, and may go at any time", async () => {
  const directory = join(run, "pools", "vg-p");
  mkdirSync(directory, { recursive: true });
  let status: EngineStatus | Error = EMPTY;
  const program = `process.stdout.write("grown")`;
  const protection = {
    ...DEFAULT_PROTECTION,
    extendCommand: [process.execPath, "-e", program],
  };
  const look = outsideGuard(
    directory,
    () => ({ ...SPEC, protection }),
    async () => {
      if (status instanceof Error) throw status;
      return await Promise.resolve(status);
    },
  );
  const kinds = () => readPoolEvents(run, 10).map(({ kind }) => kind);
  await look();
  assert.deepEqual(kinds(), []);
  status = { ...EMPTY, dataUsedBlocks: 85 };
  await look();
  assert.deepEqual(kinds(), ["data-high"]);
  // The command was started; the pool is larger by the time that it ends.
  status = { ...EMPTY, dataUsedBlocks: 85, dataTotalBlocks: 120 };
  await look();
  for (let tries = 0; tries < 200 && !kinds().includes("extended"); tries += 1) await sleep(25);
  assert.deepEqual(kinds(), ["data-high", "extended"]);
  status = new Error("gone");
  await look();
  assert.deepEqual(kinds(), ["data-high", "extended"]);
});
