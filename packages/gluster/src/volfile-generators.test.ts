import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { brickVolfile, clientVolfile, optionRows, parseVolfile } from "./index.ts";
import type { Translator, Volfile, VolumeDescription, VolumeKind } from "./index.ts";

const read = (path: string) =>
  readFileSync(new URL(`../testdata/${path}`, import.meta.url), "utf8");

/** What a stock management daemon wrote down of a volume. */
function describe(name: string, info: string): VolumeDescription {
  const pairs = info.trim().split("\n").map((line) => line.split(/=(.*)/s));
  const facts = Object.fromEntries(pairs) as Record<string, string>;
  const kinds: Record<string, VolumeKind> = { 0: "distribute", 2: "replicate", 4: "disperse" };
  const options = Object.entries(facts).filter(([key]) => optionRows(key).length > 0);
  const bricks = Object.entries(facts)
    .filter(([key]) => /^brick-\d+$/.test(key))
    .map(([, brick]) => {
      const [host = "", path = ""] = brick.split(/:(.*)/s);
      return { host, path: path.replaceAll("-", "/") };
    });
  return {
    name,
    id: facts["volume-id"]!,
    kind: kinds[facts["type"]!]!,
    replicaCount: Number(facts["replica_count"]),
    disperseCount: Number(facts["disperse_count"]),
    redundancyCount: Number(facts["redundancy_count"]),
    arbiterCount: Number(facts["arbiter_count"] ?? 0),
    bricks,
    options: Object.fromEntries(options),
    credentials: { username: facts["username"]!, password: facts["password"]! },
  };
}

/** Sections in order; options sorted, since their order has no meaning. */
function normal(volfile: Volfile): unknown[] {
  return volfile.translators.map(({ name, type, options, subvolumes }: Translator) => ({
    name,
    type,
    options: Object.fromEntries([...options].sort(([a], [b]) => (a < b ? -1 : 1))),
    subvolumes,
  }));
}

function assertEqualGraphs(generated: Volfile, recorded: string): void {
  assert.deepEqual(normal(generated), normal(parseVolfile(recorded)));
}

const stateDirectory = (name: string) => `/var/lib/glusterd/vols/${name}`;

for (const name of ["dv", "rv", "ev", "av"]) {
  test(`volume ${name}: generated volfiles equal those of the stock daemon`, () => {
    const base = `stock-volfiles/${name}`;
    const volume = describe(name, read(`${base}/info`));
    assertEqualGraphs(clientVolfile(volume, { trusted: false }), read(`${base}/client.vol`));
    assertEqualGraphs(clientVolfile(volume, { trusted: true }), read(`${base}/trusted-client.vol`));
    volume.bricks.forEach((_, index) => {
      const generated = brickVolfile(volume, index, {
        stateDirectory: stateDirectory(name),
        sharedBrickCount: volume.bricks.length,
      });
      assertEqualGraphs(generated, read(`${base}/brick-${index}.vol`));
    });
  });
}

test("the client volfile of a one-brick volume equals the recorded one", () => {
  const path = "/run/gluster/snaps/452bfcf743504df4b6af536487d0924d/brick1/exp";
  const recorded = describe("KVMvolume", read("recorded/one-brick.info"));
  const volume = { ...recorded, bricks: [{ host: "vm", path }] };
  const generated = clientVolfile(volume, { trusted: false });
  assertEqualGraphs(generated, read("recorded/one-brick-client.vol"));
});

test("volfiles of a replicated volume with snapshots shown equal the recorded ones", () => {
  const volume = describe("rv", read("recorded/three-nodes.info"));
  const root = "/run/gluster/snaps/f00d7d3167ea4144aa99d1a1edcd5666";
  const bricks = volume.bricks.map(({ host }, i) => ({ host, path: `${root}/brick${i + 1}/exp` }));
  const restored = { ...volume, bricks };
  const client = clientVolfile(restored, { trusted: true });
  assertEqualGraphs(client, read("recorded/three-nodes-trusted-client.vol"));
  const brick = brickVolfile(restored, 0, {
    stateDirectory: "/gd1/vols/rv",
    bindAddress: "127.1.1.1",
  });
  assertEqualGraphs(brick, read("recorded/three-nodes-brick-0.vol"));
});

test("a distributed replicated volume has one replicate translator a set", () => {
  const volume: VolumeDescription = {
    name: "ddv",
    id: "cc1c3451-d79d-48e0-96e3-647e666df158",
    kind: "replicate",
    replicaCount: 2,
    bricks: ["/b1/e1", "/b2/e2", "/b1/e3", "/b2/e4"].map((path, index) => ({
      host: `127.1.1.${(index % 2) + 1}`,
      path,
    })),
    options: {
      "cluster.granular-entry-heal": "on",
      "storage.fips-mode-rchecksum": "on",
      "transport.address-family": "inet",
      "nfs.disable": "on",
      "performance.client-io-threads": "off",
    },
    credentials: {
      username: "524bcb68-2237-48ab-96ed-f80b31d1e0d0",
      password: "3594cc5d-c518-4a34-85ad-5d70f74ff040",
    },
  };
  const recorded = read("recorded/distributed-replicate-trusted-client.vol");
  assertEqualGraphs(clientVolfile(volume, { trusted: true }), recorded);
});

test("a snapshot's client volfile is read-only and keeps the origin's pending names", () => {
  const name = "0a1b2c3d4e5f40718293a4b5c6d7e8f9";
  const volume: VolumeDescription = {
    name,
    id: "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9",
    kind: "replicate",
    replicaCount: 3,
    snapshot: true,
    bricks: [1, 2, 3].map((n) => ({
      host: `n${n}`,
      path: `/run/gluster/snaps/${name}/brick${n}/dir`,
      id: `rv-client-${n - 1}`,
    })),
    options: {
      "cluster.granular-entry-heal": "on",
      "transport.address-family": "inet",
      "performance.client-io-threads": "off",
      "features.uss": "enable",
    },
    credentials: { username: "u", password: "p" },
  };
  const recorded = read("snapshot-client.vol").replace(
    "option use-compound-fops off",
    "option use-compound-fops off\n    option use-anonymous-inode yes",
  );
  assertEqualGraphs(clientVolfile(volume, { trusted: false }), recorded);
});

type Effect =
  | ["client" | "brick", "opt", string, string, string | null, string | null]
  | ["client" | "brick", "+", string, string, Record<string, string>, string[]]
  | ["client" | "brick", "sub", string, string, string[]]
  | ["client" | "brick", "-", string, string];

/** The volumes on which the effects were recorded. */
function probed(name: string): VolumeDescription {
  const host = "10.99.0.1";
  const letter = name[0]!;
  const bricks = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ host, path: `/mnt/b${n}/${letter}` }));
  const common = {
    name,
    id: "00000000-0000-4000-8000-000000000000",
    credentials: { username: "u", password: "p" },
  };
  const options = {
    "storage.fips-mode-rchecksum": "on",
    "transport.address-family": "inet",
    "nfs.disable": "on",
  };
  if (name === "ov") return { ...common, kind: "distribute", bricks: bricks(2), options };
  if (name === "ev") {
    return {
      ...common, kind: "disperse", disperseCount: 3, redundancyCount: 1, bricks: bricks(3), options,
    };
  }
  return {
    ...common,
    kind: "replicate",
    replicaCount: 3,
    bricks: bricks(3),
    options: {
      ...options, "cluster.granular-entry-heal": "on", "performance.client-io-threads": "off",
    },
  };
}

/** How two graphs differ, in the form of the recording. */
function differences(side: "client" | "brick", before: Volfile, after: Volfile): Effect[] {
  const effects: Effect[] = [];
  const old = new Map(before.translators.map((translator) => [translator.name, translator]));
  const names = new Set(after.translators.map(({ name }) => name));
  for (const { name, type } of before.translators) {
    if (!names.has(name)) effects.push([side, "-", type, name]);
  }
  for (const { name, type, options, subvolumes } of after.translators) {
    const previous = old.get(name);
    if (previous === undefined) {
      const shown = Object.fromEntries([...options].filter(([key]) => key !== "strict-locks"));
      effects.push([side, "+", type, name, shown, [...subvolumes]]);
      continue;
    }
    if (String(previous.subvolumes) !== String(subvolumes)) {
      effects.push([side, "sub", type, name, [...subvolumes]]);
    }
    for (const key of new Set([...previous.options.keys(), ...options.keys()])) {
      const [from, to] = [previous.options.get(key) ?? null, options.get(key) ?? null];
      if (from !== to) effects.push([side, "opt", type, key, from, to]);
    }
  }
  return effects;
}

const canonical = (effects: readonly Effect[]) =>
  [...new Set(effects.map((effect) => JSON.stringify(effect, sortKeys)))].sort();

function sortKeys(_: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("every option has the effect on volfiles that the stock daemon gives it", () => {
  const wrong: string[] = [];
  let count = 0;
  for (const line of read("option-effects.jsonl").trim().split("\n")) {
    const [key, value, name, recorded] = JSON.parse(line) as [string, string, string, Effect[]];
    const volume = probed(name);
    const changed = { ...volume, options: { ...volume.options, [key]: value } };
    const place = { stateDirectory: stateDirectory(name) };
    const effects = [
      ...differences(
        "client",
        clientVolfile(volume, { trusted: false }),
        clientVolfile(changed, { trusted: false }),
      ),
      ...differences("brick", brickVolfile(volume, 0, place), brickVolfile(changed, 0, place)),
    ];
    count++;
    const [got, want] = [canonical(effects), canonical(recorded)];
    if (String(got) !== String(want)) {
      wrong.push(`${name} ${key}=${value}\n  got  ${got.join(" ")}\n  want ${want.join(" ")}`);
    }
  }
  assert.ok(count > 900, `${count} recordings`);
  assert.equal(wrong.length, 0, wrong.join("\n"));
});
