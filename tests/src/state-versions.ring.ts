// What an older version wrote is read, and what a newer one wrote is refused with a sentence, and left as it is.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LiveNode } from "./live-node.ts";

interface Entry {
  readonly key: string;
  readonly value: object;
}

interface Stored extends Entry {
  readonly revision: number;
}

interface Store {
  list(prefix: string): Promise<readonly Stored[]>;
  get(key: string): Promise<Stored | undefined>;
  transaction(operations: readonly object[]): Promise<{ readonly committed: boolean }>;
  close(): Promise<void>;
}

const storeModule = new URL("../../packages/store/dist/index.js", import.meta.url);
const { LmdbStore } = (await import(storeModule.href)) as { readonly LmdbStore: { open(directory: string): Store } };
/** Each document that version 0.1.0 writes, of a node with volumes, snapshots, a schedule and a hold. */
const recorded = JSON.parse(
  readFileSync(fileURLToPath(new URL("../testdata/state-0.1.0.json", import.meta.url)), "utf8"),
) as { readonly uuid: string; readonly entries: readonly Entry[] };

const node = new LiveNode();
after(() => node.close());
const stateDirectory = join(node.root, "var/lib/mortar");

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = LmdbStore.open(join(stateDirectory, "cluster"));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** As it is now, whatever it was. */
async function put(key: string, value: object | undefined): Promise<void> {
  await withStore(async (store) => {
    const expected = (await store.get(key))?.revision ?? "absent";
    const operation = value === undefined ? { key, expected, delete: true } : { key, expected, put: value };
    assert.deepEqual((await store.transaction([operation])).committed, true);
  });
}

const names = async (line: string): Promise<string[]> => (await node.ok(line)).trim().split("\n");

test("the state that version 0.1.0 left is taken over: volumes, snapshots, schedules, holds", { timeout: 120_000 }, async () => {
  mkdirSync(stateDirectory, { recursive: true });
  writeFileSync(join(stateDirectory, "node.json"), JSON.stringify({ uuid: recorded.uuid }));
  for (const { key, value } of recorded.entries) await put(key, value);
  await node.ok("mortar up", { seconds: 60 });
  assert.deepEqual(await names("mortar volume list"), ["v1", "v2"]);
  assert.deepEqual(await names("mortar snapshot list"), ["monday", "tuesday"]);
  const schedules = JSON.parse(await node.ok("mortar snapshot schedule list --json")) as { result: { name: string }[] };
  assert.deepEqual(schedules.result.map(({ name }) => name), ["nightly"]);
  const info = await node.ok("mortar snapshot info monday --json");
  assert.match(info, /"reason": ?"case 7"/);
  await node.ok("mortar down", { seconds: 60 });
});

/** Starting is refused with all of this said, and changes nothing in the store. */
async function refused(...told: readonly RegExp[]): Promise<void> {
  const before = await withStore(async (store) => await store.list(""));
  const complaint = await node.refused("mortar up", { seconds: 90 });
  for (const pattern of told) assert.match(complaint, pattern);
  assert.deepEqual(await withStore(async (store) => await store.list("")), before);
}

test("a document of a newer version keeps an older program from starting, and is left alone", { timeout: 120_000 }, async () => {
  const volume = await withStore(async (store) => await store.get("volume/v1"));
  assert.ok(volume !== undefined);
  await put("volume/v1", { ...volume.value, schema: 2 });
  await refused(/volume\/v1 has schema 2, this version reads 1/, /another version of Mortar/);
  await put("volume/v1", volume.value);
  await put("else/x", { schema: 1 });
  await refused(/else\/x/);
  await put("else/x", undefined);
});

test("so do a newer membership, and settings that the older program does not know", { timeout: 120_000 }, async () => {
  const membership = join(stateDirectory, "membership.json");
  // A node that never was in a cluster has none.
  writeFileSync(membership, JSON.stringify({ schema: 2, kind: "embedded" }));
  await refused(/membership\.json/);
  assert.deepEqual(JSON.parse(readFileSync(membership, "utf8")), { schema: 2, kind: "embedded" });
  rmSync(membership);
  const settings = join(node.root, "etc/mortar/mortar.json");
  const known = readFileSync(settings, "utf8");
  writeFileSync(settings, JSON.stringify({ ...(JSON.parse(known) as object), newer: 1 }));
  await refused(/mortar\.json.*newer/);
  writeFileSync(settings, known);
  await node.ok("mortar up", { seconds: 60 });
  assert.deepEqual(await names("mortar volume list"), ["v1", "v2"]);
  await node.ok("mortar down", { seconds: 60 });
  assert.deepEqual(node.scratch.left(), []);
});
