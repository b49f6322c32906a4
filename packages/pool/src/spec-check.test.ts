import assert from "node:assert/strict";
import { test } from "node:test";
import type { PoolError } from "./pool-error.ts";
import { checkRequest, checkSpec } from "./spec-check.ts";
import type { ThinPoolSpec } from "./spec.ts";

const good: ThinPoolSpec = {
  kind: "thin-pool",
  vgName: "vg",
  poolName: "tp",
  uuid: "abc-1",
  devices: [{ name: "pv0", path: "/dev/loop0" }],
  metadata: [{ device: "pv0", deviceOffsetBytes: 0, lengthBytes: 4096 }],
  data: [{ device: "pv0", deviceOffsetBytes: 4096, lengthBytes: 65_536 }],
  chunkSectors: 128,
  zeroNewBlocks: true,
  discards: "passdown",
  errorWhenFull: false,
  transactionId: 3,
  messages: [{ kind: "snapshot", deviceId: 2, originId: 1 }],
  volumes: [{ name: "lv-1", deviceId: 1, sizeBytes: 512, readOnly: false }],
};

test("a good spec passes unchanged", () => {
  assert.deepEqual(checkSpec(good), good);
  assert.deepEqual(checkSpec(JSON.parse(JSON.stringify(good))), good);
  const backups = { directory: "/var/lib/mortar/pools/vg-tp", keep: 8, everyMs: 900_000 };
  const extendCommand = ["/usr/bin/node", "main.js", "vg/tp"];
  const limits = { thresholdPercent: 80, extendCommand, noSpaceTimeoutMs: 60_000 };
  for (const protection of [limits, { ...limits, backups }]) {
    assert.deepEqual(checkSpec({ ...good, protection }), { ...good, protection });
  }
});

test("stripes are whole rows over devices of the spec", () => {
  const striped = (lengthBytes: number, ...more: string[]): object => ({
    device: "pv0",
    deviceOffsetBytes: 0,
    lengthBytes,
    striped: { stripeBytes: 4096, more: more.map((device) => ({ device, deviceOffsetBytes: 512 })) },
  });
  const of = (segment: object): unknown => checkSpec({ ...good, data: [segment] });
  of(striped(24_576, "pv0", "pv0"));
  assert.throws(() => of(striped(20_480, "pv0", "pv0")), /whole rows of stripes/);
  assert.throws(() => of(striped(8192)), /at least two stripes/);
  assert.throws(() => of(striped(8192, "pv7")), /device pv7/);
});

test("every defect is refused with its place", () => {
  const volume = good.volumes[0]!;
  const defects: [change: object, message: RegExp][] = [
    [{ kind: "raid" }, /spec\.kind: expected thin-pool or linear/],
    [{ vgName: "../up" }, /spec\.vgName: expected an LVM name/],
    [
      { devices: [{ name: "pv0", path: "dev/x" }] },
      /spec\.devices\[0\]\.path: expected an absolute path/,
    ],
    [{ data: [{ device: "pv9", deviceOffsetBytes: 0, lengthBytes: 512 }] }, /device pv9/],
    [
      { data: [{ device: "pv0", deviceOffsetBytes: 1, lengthBytes: 512 }] },
      /deviceOffsetBytes: .*multiple of 512/,
    ],
    [{ data: [] }, /at least one segment/],
    [{ chunkSectors: 100 }, /chunkSectors: .*multiple of 128/],
    [{ transactionId: -1 }, /transactionId/],
    [{ protection: { thresholdPercent: 80 } }, /protection\.extendCommand/],
    [{ messages: [{ kind: "create", deviceId: 2 ** 24 }] }, /messages\[0\]\.deviceId/],
    [
      { messages: [{ kind: "create", deviceId: 2, originId: 1 }] },
      /messages\[0\]\.originId: expected no such key/,
    ],
    [{ volumes: [volume, { ...volume, name: "other" }] }, /one entry for device id 1/],
    [{ volumes: [{ ...volume, name: "a/b" }] }, /volumes\[0\]\.name/],
    [{ zeroNewBlock: true }, /spec\.zeroNewBlock: expected no such key/],
    [{ uuid: undefined }, /spec\.uuid/],
  ];
  for (const [change, message] of defects) {
    assert.throws(
      () => checkSpec({ ...good, ...change }),
      (error: PoolError) => {
        assert.equal(error.code, "bad-request");
        assert.match(error.message, message);
        return true;
      },
    );
  }
});

test("a line that is no request is refused, whatever it is", () => {
  assert.deepEqual(checkRequest('{"verb":"status"}'), { verb: "status" });
  const lines = [
    "",
    "null",
    "[]",
    "7",
    "{",
    '{"verb":"format"}',
    '{"verb":"stop","force":true}',
    '{"verb":"__proto__"}',
    '{"verb":"space"}',
    '{"verb":"space","sets":[1]}',
    '{"verb":"space","sets":[[16777216]]}',
  ];
  for (const line of lines) {
    assert.throws(
      () => checkRequest(line),
      (error: PoolError) => error.code === "bad-request",
      line,
    );
  }
});
