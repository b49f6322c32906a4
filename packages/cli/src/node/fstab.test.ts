import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deviceOf, isMountedByUp, readFstab } from "./fstab.ts";

test("of fstab the automatic entries and those of mortar are mounted", (context) => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-fstab-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "fstab");
  assert.deepEqual(readFstab(file), []);
  writeFileSync(
    file,
    [
      "# a comment", "", "/dev/vg0/a /a xfs", "/dev/vg0/b\t/with\\040blank xfs noauto 0 0",
      "  /dev/vg0/c /c xfs noauto,x-mortar,noatime 0 2", "/dev/vg0/swap none swap sw 0 0", "/dev/vg0/half",
    ].join("\n"),
  );
  const entries = readFstab(file);
  assert.deepEqual(entries.map(({ point }) => point), ["/a", "/with blank", "/c", "none"]);
  assert.deepEqual(entries.filter(isMountedByUp).map(({ point }) => point), ["/a", "/c"]);
});

test("a source that is no device of this machine has none", () => {
  const entry = { point: "/x", type: "xfs", options: [] };
  assert.equal(deviceOf({ ...entry, source: "host:/volume" }), undefined);
  assert.equal(deviceOf({ ...entry, source: "/dev/no-such-group/lv" }), undefined);
  assert.equal(deviceOf({ ...entry, source: "UUID=00000000-dead-beef-0000-000000000000" }), undefined);
  assert.equal(deviceOf({ ...entry, source: "/dev/null" }), "/dev/null");
});
