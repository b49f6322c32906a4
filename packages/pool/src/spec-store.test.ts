import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ControlReply } from "./control.ts";
import { SpecStore } from "./spec-store.ts";
import type { ThinPoolSpec } from "./spec.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-pool-spec-${process.pid}-`));
after(() => rmSync(directory, { recursive: true, force: true }));

const path = join(directory, "spec.json");
const lv = { name: "lv", deviceId: 1, sizeBytes: 4096, readOnly: false };
const spec: ThinPoolSpec = {
  kind: "thin-pool",
  vgName: "vg",
  poolName: "tp",
  uuid: "u",
  devices: [{ name: "pv0", path: "/dev/null" }],
  metadata: [{ device: "pv0", deviceOffsetBytes: 0, lengthBytes: 4096 }],
  data: [{ device: "pv0", deviceOffsetBytes: 4096, lengthBytes: 65_536 }],
  chunkSectors: 128,
  zeroNewBlocks: true,
  discards: "passdown",
  errorWhenFull: false,
  transactionId: 3,
  messages: [],
  volumes: [lv],
};
const done: ControlReply = { ok: true, result: "done" };
const refused: ControlReply = { ok: false, code: "busy", message: "" };
const message = {
  verb: "message",
  messages: [{ kind: "delete", deviceId: 9 }],
  transactionId: 4,
} as const;

function setUp(): SpecStore {
  writeFileSync(path, JSON.stringify(spec));
  return new SpecStore(path);
}

function onDisk(): ThinPoolSpec {
  return JSON.parse(readFileSync(path, "utf8")) as ThinPoolSpec;
}

test("while a message is performed, the file tells a successor to perform it", async () => {
  const store = setUp();
  await store.around(message, () => {
    assert.deepEqual(onDisk(), { ...spec, transactionId: 4, messages: message.messages });
    return Promise.resolve(done);
  });
  assert.deepEqual(onDisk(), { ...spec, transactionId: 4 });
  // Asked once more, nothing is queued again.
  await store.around(message, () => {
    assert.deepEqual(onDisk().messages, []);
    return Promise.resolve({ ok: true, result: "unchanged" });
  });
});

test("what was refused leaves the spec as it was", async () => {
  const store = setUp();
  await store.around(message, () => Promise.resolve(refused));
  assert.deepEqual(onDisk(), spec);
  await store.around({ verb: "reload", spec: { ...spec, errorWhenFull: true } }, () =>
    Promise.resolve(refused),
  );
  assert.deepEqual(onDisk(), spec);
  await store.around({ verb: "deactivate", name: "lv" }, () => Promise.resolve(refused));
  assert.deepEqual(onDisk(), spec);
});

test("a reload is on disk before it is performed, volumes after", async () => {
  const store = setUp();
  const larger = { ...spec, data: [{ ...spec.data[0]!, lengthBytes: 131_072 }] };
  await store.around({ verb: "reload", spec: larger }, () => {
    assert.deepEqual(onDisk(), larger);
    return Promise.resolve(done);
  });
  const snap = { ...lv, name: "snap", deviceId: 2 };
  await store.around({ verb: "activate", volume: snap }, () => {
    assert.deepEqual(onDisk().volumes, [lv]);
    return Promise.resolve(done);
  });
  await store.around({ verb: "resize", name: "snap", sizeBytes: 8192 }, () =>
    Promise.resolve(done),
  );
  assert.deepEqual(onDisk().volumes, [lv, { ...snap, sizeBytes: 8192 }]);
  await store.around({ verb: "deactivate", name: "lv" }, () => Promise.resolve(done));
  assert.deepEqual(
    onDisk().volumes.map((volume) => volume.name),
    ["snap"],
  );
});
