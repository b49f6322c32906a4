import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  effectiveOption, effectiveOptions, findOption, GlusterError, optionRows, requireOption,
  validateOption, volumeOptions,
} from "./index.ts";
import type { VolumeDescription } from "./index.ts";

const read = (path: string) =>
  readFileSync(new URL(`../testdata/${path}`, import.meta.url), "utf8");
const records = <T>(path: string) =>
  read(path).trim().split("\n").map((line) => JSON.parse(line) as T);

const shape = { id: "", options: {}, credentials: { username: "", password: "" } };
const bricks = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ host: "h", path: `/b${n}` }));
const volumes: Record<string, VolumeDescription> = {
  ov: { ...shape, name: "ov", kind: "distribute", bricks: bricks(2) },
  rv: { ...shape, name: "rv", kind: "replicate", replicaCount: 3, bricks: bricks(3) },
  ev: {
    ...shape, name: "ev", kind: "disperse", disperseCount: 3, redundancyCount: 1, bricks: bricks(3),
  },
};

test("an unknown option gets the hint that the stock daemon gives", () => {
  for (const [name, hint] of records<[string, string | null]>("option-hints.jsonl")) {
    if (volumeOptions.some((it) => it.translator === "mgmt/mortar" && it.name === name)) continue;
    const found = findOption(name);
    assert.equal(found.kind === "unknown" ? found.hint : null, hint, name);
  }
});

test("addresses are names, numbers and patterns of them, with no part left empty", () => {
  const [option] = optionRows("auth.allow");
  for (const value of ["*", "10.1.*", "*.example.org", "a-b.example,10.0.0.0/8", "::1", "/dir(a|10.1.2.3)"]) {
    assert.doesNotThrow(() => validateOption(option!, value, volumes["ov"]), value);
  }
  for (const value of ["example..org", ".org", "a.", "a,,b", "/dir(a..b)"]) {
    assert.throws(() => validateOption(option!, value, volumes["ov"]), /not a valid internet-address-list/, value);
  }
});

test("the engine of bricks is one of two words", () => {
  const [option] = optionRows("mortar.brick-engine");
  assert.doesNotThrow(() => validateOption(option!, "glusterfsd", volumes["ov"]));
  assert.throws(() => validateOption(option!, "ganesha", volumes["ov"]), /builtin/);
  assert.match(String((findOption("mortar.brick-engin") as { hint?: string }).hint), /brick-engine/);
});

test("what follows the dot is enough, unless two options end so", () => {
  assert.equal(requireOption("cache-size").name, "performance.cache-size");
  assert.throws(() => requireOption("eager-lock"), { code: "unknown-option" });
  assert.equal(findOption("user.colour").kind, "user");
  assert.equal(findOption("user.").kind, "unknown");
});

/** Words of the stock daemon that say nothing of the value; ours do. */
const VAGUE = new RegExp(
  [
    "Validation Failed", "Commit failed", "not a compatible", "Use on/off only", "integer value",
    "rebal-throttle", "cores available", "gluster volume quota", "op-version",
    "not a valid internet",
  ].join("|"),
);

test("values are refused and accepted as the stock daemon does, in its words", () => {
  const wrong: string[] = [];
  for (const [name, on, value, want] of records<[string, string, string, string | null]>(
    "option-values.jsonl",
  )) {
    const [option] = optionRows(name);
    assert.ok(option, name);
    let got: string | null = null;
    try {
      validateOption(option, value, volumes[on]);
    } catch (error) {
      assert.ok(error instanceof GlusterError);
      assert.equal(error.code, "bad-option-value");
      got = error.message;
    }
    const vague = want !== null && (option.clusterWide || VAGUE.test(want));
    const same = vague ? got !== null : got === want;
    if (!same) wrong.push(`${name} = ${value}\n  got  ${got}\n  want ${want}`);
  }
  assert.equal(wrong.length, 0, `${wrong.length} of them:\n${wrong.join("\n")}`);
});

test("effective values and their order are those of volume get, Mortar's own behind them", () => {
  const volume = {
    ...volumes["rv"]!,
    options: {
      "storage.fips-mode-rchecksum": "on",
      "transport.address-family": "inet",
      "nfs.disable": "on",
      "cluster.granular-entry-heal": "on",
      "performance.client-io-threads": "off",
    },
  };
  const lines = effectiveOptions(volume).map(
    ({ name, value, isDefault }) =>
      `${name} ${value ?? "(null)"}${isDefault ? " (DEFAULT)" : ""}`.replace("  ", " "),
  );
  const recorded = read("volume-get-rv.txt").trim().split("\n").slice(2)
    .map((line) => line.trim().replace(/\s+/, " "));
  assert.deepEqual(lines, [...recorded, "mortar.brick-engine builtin (DEFAULT)"]);
});

test("a value that was set is no default", () => {
  const [option] = optionRows("network.ping-timeout");
  const volume = { ...volumes["ov"]!, options: { "network.ping-timeout": "10" } };
  assert.deepEqual(effectiveOption(volume, option!), {
    name: "network.ping-timeout", value: "10", isDefault: false,
  });
});

test("every row of the table is whole", () => {
  for (const { name, translator, key, rule } of volumeOptions) {
    assert.match(name, /^[a-z0-9-]+\.[A-Za-z0-9_.-]+$/);
    assert.match(translator, /^[a-z-]+(\/[a-z-]+)?$/, name);
    assert.ok(key !== "" && rule !== "", name);
  }
  assert.equal(volumeOptions.filter(({ name }) => !name.startsWith("mortar.")).length, 395);
});
