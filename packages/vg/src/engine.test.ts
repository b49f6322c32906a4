import assert from "node:assert/strict";
import { test } from "node:test";
import type { MappedDevice } from "@mortar/dm";
import { createThinPool, createVolumeGroup, type Provenance } from "@mortar/lvm2";
import type { BlockState } from "./block-state.ts";
import { engineFor, engineInUse, kernelObstacle } from "./engine.ts";
import { mappedUuid } from "./kernel-names.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { VgError } from "./vg-error.ts";

const NAME = `enginevg${process.pid}`;
const provenance: Provenance = {
  random: (count) => Uint8Array.from({ length: count }, (_, index) => (index * 5 + 1) % 248),
  now: 0,
  host: "test",
};

function group(): LoadedVg {
  const pv = {
    id: "AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAAA",
    device: "/dev/vda",
    deviceSectors: 614_400,
    extentAreaSectors: 612_352,
    extentStartSectors: 2048,
  };
  const request = { name: NAME, extentSectors: undefined, tags: undefined, physicalVolumes: [pv] };
  const empty = createVolumeGroup(request, provenance);
  const { vg } = createThinPool(empty, { name: "pool", extentCount: 10 }, provenance);
  return { vg, found: new Map(), devices: new Map([["pv0", "/dev/vda"]]) };
}

const idle: BlockState = {
  loops: { over: () => [], below: () => [] }, mapped: [], mounts: [], swaps: [],
  nbdOnlySpec: () => undefined,
};

function mapped(loaded: LoadedVg): BlockState {
  const [lv] = loaded.vg.logicalVolumes;
  assert.ok(lv);
  const device: MappedDevice = {
    name: `${NAME}-pool-tpool`,
    uuid: mappedUuid(loaded.vg, lv, "tpool"),
    path: "/dev/dm-9",
    deviceNumber: "253:9",
    sizeBytes: 1,
    readOnly: false,
    suspended: false,
    holders: [],
  };
  return { ...idle, mapped: [device] };
}

function served(): BlockState {
  const path = `/run/other/pools/${NAME}-pool/mnt`;
  const mount = { path, type: "fuse.mortar", deviceNumber: "0:99" };
  return { ...idle, mounts: [mount as unknown as BlockState["mounts"][number]] };
}

const host = (engine: "auto" | "kernel" | "userspace") => ({ engine, runDirectory: "/run/none" });

test("who has a group active is seen by its mapped devices, or its servers", () => {
  const loaded = group();
  assert.equal(engineInUse(host("auto"), loaded, idle), undefined);
  assert.equal(engineInUse(host("auto"), loaded, mapped(loaded)), "kernel");
  assert.equal(engineInUse(host("auto"), loaded, served()), "userspace");
  assert.equal(engineInUse(host("kernel"), loaded, mapped(loaded)), "kernel");
});

test("a mapped device of another group is nobody's business", () => {
  const loaded = group();
  const state = mapped(loaded);
  const mine = state.mapped.map((device) => ({ ...device, uuid: `LVM-${"x".repeat(64)}` }));
  assert.equal(engineInUse(host("userspace"), loaded, { ...state, mapped: mine }), undefined);
});

test("the engine that was asked for refuses a group that the other one has, and says who", () => {
  const loaded = group();
  assert.throws(
    () => engineInUse(host("userspace"), loaded, mapped(loaded)),
    (error) =>
      error instanceof VgError &&
      error.code === "in-use" &&
      error.message ===
        `Volume group ${NAME} is active in the kernel's device-mapper (device ` +
          `${NAME}-pool-tpool). Deactivate it there first: vgchange -an --engine kernel ${NAME}`,
  );
  assert.throws(
    () => engineInUse(host("kernel"), loaded, served()),
    (error) =>
      error instanceof VgError &&
      error.message ===
        `Volume group ${NAME} is active in Mortar's own engine (pool server in ` +
          `/run/other/pools/${NAME}-pool). ` +
          `Deactivate it there first: vgchange -an --engine userspace ${NAME}`,
  );
});

test("a group that both have is touched by neither", () => {
  const loaded = group();
  const both = { ...mapped(loaded), mounts: served().mounts };
  assert.throws(() => engineInUse(host("auto"), loaded, both), /is active twice/);
});

test("a group that nobody has goes to the kernel if that can, which is told else", async () => {
  const loaded = group();
  const obstacle = await kernelObstacle();
  const asked = (engine: "auto" | "kernel" | "userspace") =>
    engineFor({ ...host(engine), warn: () => undefined } as never, loaded);
  assert.equal(await asked("userspace"), "userspace");
  assert.equal(await asked("auto"), obstacle === undefined ? "kernel" : "userspace");
  if (obstacle === undefined) assert.equal(await asked("kernel"), "kernel");
  else {
    await assert.rejects(asked("kernel"), (error) => {
      return error instanceof VgError && error.message.includes(obstacle);
    });
  }
});
