import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { StoreError } from "./cluster-store.ts";
import { clusterStoreContract } from "./contract.ts";
import { LmdbStore } from "./lmdb-store.ts";

const packageUrl = JSON.stringify(new URL("./index.js", import.meta.url).href);
let directory = "";
const fresh = () => {
  directory = mkdtempSync(join(tmpdir(), `mortar-store-${process.pid}-`));
  return directory;
};
const clear = () => rmSync(directory, { recursive: true, force: true });

clusterStoreContract({
  name: "LmdbStore",
  open: async () => LmdbStore.open(fresh()),
  dispose: async () => clear(),
});

/** A store with 200 entries, closed; gives the path of its file. */
async function filled(): Promise<string> {
  const store = LmdbStore.open(fresh());
  for (let n = 0; n < 200; n++) {
    const text = `text-${n}-`.repeat(50);
    await store.transaction([{ key: `entry/${n}`, expected: "absent", put: { text } }]);
  }
  await store.close();
  return join(directory, "data.mdb");
}

const isCorrupt = (error: unknown) => error instanceof StoreError && error.code === "corrupt";

test("what was committed is there after a reopening, revisions go on", async () => {
  await filled();
  try {
    const store = LmdbStore.open(directory);
    assert.equal((await store.list("entry/")).length, 200);
    const result = await store.transaction([{ key: "new", expected: "absent", put: {} }]);
    assert.deepEqual(result, { committed: true, revision: 201 });
    await store.close();
  } finally {
    clear();
  }
});

test("a file that is something else is refused in words", () => {
  for (const content of ["A".repeat(65_536), "short"]) {
    mkdirSync(fresh(), { recursive: true });
    try {
      writeFileSync(join(directory, "data.mdb"), content);
      assert.throws(() => LmdbStore.open(directory), isCorrupt);
    } finally {
      clear();
    }
  }
});

test("a flipped bit in an entry is found when the store is opened", async () => {
  const path = await filled();
  try {
    const bytes = readFileSync(path);
    for (let at = 0; (at = bytes.indexOf("text-100-text-100-", at)) >= 0; at++) bytes[at + 3]! ^= 1;
    writeFileSync(path, bytes);
    assert.throws(() => LmdbStore.open(directory), isCorrupt);
  } finally {
    clear();
  }
});

test("a truncated file is refused, and does not kill the process", async () => {
  for (const share of [0.2, 0.5, 0.9]) {
    const path = await filled();
    try {
      truncateSync(path, Math.floor(readFileSync(path).length * share));
      const script =
        `import { LmdbStore } from ${packageUrl};` +
        `try { await LmdbStore.open(${JSON.stringify(directory)}).list(""); }` +
        "catch (error) { process.exit(error.code === 'corrupt' ? 42 : 1); }";
      const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
      const [code] = (await once(child, "exit")) as [number | null];
      assert.equal(code, 42, `at ${share}`);
    } finally {
      clear();
    }
  }
});

test("what was acknowledged before a kill -9 is there, nothing is half there", async () => {
  fresh();
  try {
    const script =
      `import { LmdbStore } from ${packageUrl};` +
      `const store = LmdbStore.open(${JSON.stringify(directory)});` +
      "for (let n = 0; ; n++) {" +
      "  await store.transaction([" +
      "    { key: `a/${n}`, expected: 'absent', put: { n } }," +
      "    { key: `b/${n}`, expected: 'absent', put: { n } }]);" +
      "  process.stdout.write(`${n}\\n`); }";
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.split("\n").length > 100) child.kill("SIGKILL");
    });
    await once(child, "close");
    const acknowledged = printed.split("\n").length - 1;
    const store = LmdbStore.open(directory);
    const as = (await store.list("a/")).length;
    assert.ok(as >= acknowledged, `${as} of ${acknowledged}`);
    assert.equal((await store.list("b/")).length, as);
    await store.close();
  } finally {
    clear();
  }
});
