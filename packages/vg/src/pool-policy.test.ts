import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  DEFAULT_POLICY, poolSettingsOfLvmText, protectionOf, readPoolSettings,
} from "./pool-policy.ts";

function withRoot(files: Readonly<Record<string, string>>, use: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), `mortar-policy-${process.pid}-`));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    use(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const LVM = "etc/lvm/lvm.conf";
const MORTAR = "etc/mortar/mortar.json";

test("without configuration pools grow by 20 % above 80 %", () => {
  withRoot({}, (root) => assert.deepEqual(readPoolSettings(root), {}));
  assert.deepEqual([DEFAULT_POLICY.thresholdPercent, DEFAULT_POLICY.extendPercent], [80, 20]);
});

test("what lvm.conf says holds, in both writings, but not its comments", () => {
  const section = "activation {\n# thin_pool_autoextend_threshold = 60\n" +
    "\tthin_pool_autoextend_threshold = 70\n thin_pool_autoextend_percent = 30\n}\n";
  withRoot({ [LVM]: `config {}\n${section}` }, (root) =>
    assert.deepEqual(readPoolSettings(root), { thresholdPercent: 70, extendPercent: 30 }),
  );
  const path = "activation/thin_pool_autoextend_threshold=100";
  assert.deepEqual(poolSettingsOfLvmText(path, "--config"), { thresholdPercent: 100 });
});

test("a threshold below LVM's least of 50 is 50", () => {
  const text = "activation { thin_pool_autoextend_threshold = 10 }";
  assert.deepEqual(poolSettingsOfLvmText(text, "--config"), { thresholdPercent: 50 });
});

test("mortar.json comes before lvm.conf, and its mistakes are named", () => {
  const lvm = "activation { thin_pool_autoextend_threshold = 70 }";
  const own = (thinPools: unknown): Record<string, string> => ({
    [LVM]: lvm,
    [MORTAR]: JSON.stringify({ thinPools }),
  });
  withRoot(own({ autoextendThreshold: 90, noSpaceTimeoutSeconds: 5 }), (root) =>
    assert.deepEqual(readPoolSettings(root), { thresholdPercent: 90, noSpaceTimeoutMs: 5000 }),
  );
  for (const bad of [{ autoextendThreshold: 101 }, { threshold: 80 }, 7]) {
    withRoot(own(bad), (root) =>
      assert.throws(() => readPoolSettings(root), { code: "damaged", message: /mortar\.json/ }),
    );
  }
});

test("a pool that is extended by nothing has no command", () => {
  const policy = { ...DEFAULT_POLICY, extendCommand: ["mortar", "lvextend"] };
  const { extendCommand } = protectionOf(policy, "vg0", "tp");
  assert.deepEqual(extendCommand, ["mortar", "lvextend", "vg0/tp"]);
  const never = protectionOf({ ...policy, extendPercent: 0 }, "vg0", "tp");
  assert.deepEqual(never.extendCommand, []);
});
