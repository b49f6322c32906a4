/**
 * NBD against the clients that people use: qemu-img, qemu-io, nbdinfo, nbdcopy, fio. All of them
 * are run beside this process, never waited for synchronously.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { PoolClient } from "./client.ts";
import { cannotServe, LivePool, MiB, runBeside } from "./live.fixture.ts";
import { makeCertificates } from "./tls-certificates.fixture.ts";

const skip = cannotServe;
const SIZE = 64 * MiB;
const lv = { name: "lv", deviceId: 1, sizeBytes: SIZE, readOnly: false };
const snap = { name: "snap", deviceId: 2, sizeBytes: SIZE, readOnly: true };

let pool: LivePool;
let client: PoolClient;

before(async () => {
  if (skip !== false) return;
  pool = new LivePool(256 * MiB);
  client = await pool.start(pool.spec(200 * MiB, [lv]));
});
after(async () => {
  if (skip === false) await pool.close();
});

function uri(name = "lv"): string {
  return `nbd+unix:///${name}?socket=${pool.files.nbdSocket}`;
}

async function run(program: string, ...words: string[]): Promise<string> {
  const { code, output } = await runBeside("timeout", "60", program, ...words);
  assert.equal(code, 0, `${program} ${words.join(" ")}\n${output}`);
  return output;
}

async function io(...commands: string[]): Promise<void> {
  const words = commands.flatMap((command) => ["-c", command]);
  const output = await run("qemu-io", "-f", "raw", ...words, uri());
  assert.doesNotMatch(output, /fail|error/i);
}

/** [offset, length, type] of each extent. */
async function map(context = "base:allocation", name = "lv"): Promise<number[][]> {
  const output = await run("nbdinfo", "--json", `--map=${context}`, uri(name));
  const extents = JSON.parse(output) as { offset: number; length: number; type: number }[];
  return extents.map(({ offset, length, type }) => [offset, length, type]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("the socket is its owner's alone", { skip }, () => {
  assert.equal(statSync(pool.files.nbdSocket).mode & 0o777, 0o600);
});

test("what nbdcopy puts in, nbdcopy and qemu-img get out, holes included", { skip }, async () => {
  const source = join(pool.directory, "source");
  const image = Buffer.alloc(SIZE);
  randomBytes(5 * MiB).copy(image, 3 * MiB + 512);
  randomBytes(MiB).copy(image, SIZE - MiB);
  writeFileSync(source, image);
  await run("nbdcopy", "--flush", source, uri());
  const target = join(pool.directory, "target");
  await run("nbdcopy", uri(), target);
  assert.ok(readFileSync(target).equals(image));
  await run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri(), `${target}.qcow2`);
  assert.match(await run("qemu-img", "compare", uri(), `${target}.qcow2`), /identical/);
  assert.deepEqual(await map(), [
    [0, 3 * MiB, 3],
    [3 * MiB, 5 * MiB + 65_536, 0],
    [8 * MiB + 65_536, SIZE - 9 * MiB - 65_536, 3],
    [SIZE - MiB, MiB, 0],
  ]);
});

test("trimmed and zeroed chunks become holes; zeros that must be provisioned do not", { skip }, async () => {
  await io("write -P 5 0 4M", "discard 1M 1M", "write -z -u 2M 512k", "write -z 3M 100k");
  await io("read -P 5 0 1M", "read -P 0 2M 512k", "read -P 0 3M 100k", "read -P 5 3172k 924k");
  const holes = (await map()).filter(([at, , type]) => type === 3 && at! < 4 * MiB);
  assert.deepEqual(holes, [[MiB, 1.5 * MiB, 3]]);
});

test("the context of a snapshot tells what was changed since, and qemu sees it too", { skip }, async () => {
  await io("write -P 1 0 8M");
  const { pool: engine } = await client.status();
  const transactionId = engine!.transactionId + 1;
  const messages = [{ kind: "snapshot", deviceId: 2, originId: 1 }] as const;
  await client.message({ messages, transactionId });
  await client.activate(snap);
  await io("write -P 2 1M 64k", "write -P 2 6M 100k", "discard 2M 128k");
  const changed = (await map("mortar:changed-since:snap")).filter(([, , type]) => type === 1);
  assert.deepEqual(changed, [
    [MiB, 65_536, 1],
    [2 * MiB, 131_072, 1],
    [6 * MiB, 131_072, 1],
  ]);
  const json = await run("nbdinfo", "--json", uri("snap"));
  const [exported] = (JSON.parse(json) as { exports: Record<string, unknown>[] }).exports;
  assert.equal(exported!["is_read_only"], true);
  assert.equal(exported!["can_multi_conn"], true);
  assert.deepEqual(exported!["contexts"], ["base:allocation", "mortar:changed-since:lv"]);
  const refused = await runBeside("qemu-io", "-f", "raw", "-c", "write 0 4k", uri("snap"));
  assert.notEqual(refused.code, 0);
  await client.deactivate("snap");
});

test("fio finds what it wrote, over one and over four connections", { skip }, async () => {
  for (const connections of [1, 4]) {
    await run(
      "fio", "--name=verify", "--ioengine=nbd", `--uri=${uri()}`, "--rw=randwrite",
      "--bsrange=4k-256k", "--iodepth=32", "--verify=crc32c", `--numjobs=${connections}`,
      `--size=${48 / connections}M`, `--offset_increment=${48 / connections}M`, "--fsync=64",
    );
  }
  pool.checkMetadata();
});

test("an LV in use by a client is not deactivated, and a new size shows to new clients", { skip }, async () => {
  const busy = runBeside(
    "qemu-io", "-f", "raw", "-c", "read 0 4k", "-c", "sleep 1500", "-c", "read 0 4k", uri(),
  );
  while ((await client.nbdStatus()).connections["lv"] === undefined) await sleep(10);
  await assert.rejects(client.deactivate("lv"), { code: "busy" });
  await client.resize("lv", SIZE + MiB);
  assert.equal((await run("nbdinfo", "--size", uri())).trim(), String(SIZE + MiB));
  assert.equal((await busy).code, 0);
  await client.resize("lv", SIZE);
});

test("TLS with client certificates, and nothing without", { skip }, async () => {
  const certificates = join(pool.directory, "pki");
  makeCertificates(certificates);
  const port = await freePort();
  const address = `tcp:127.0.0.1:${port}`;
  await client.nbdExport({ address, volume: "lv", tlsDirectory: certificates });
  await io("write -P 77 5M 2M");
  const secure = `nbds://127.0.0.1:${port}/lv?tls-certificates=${certificates}`;
  assert.match(await run("nbdinfo", secure), /newstyle-fixed with TLS/);
  const target = join(pool.directory, "by-tls");
  await run("nbdcopy", secure, target);
  await run("qemu-img", "compare", "-f", "raw", "-F", "raw", uri(), target);
  const credentials = `tls-creds-x509,id=t,dir=${certificates},endpoint=client`;
  const words = ["--object", credentials, "--image-opts"];
  const image = `driver=nbd,host=127.0.0.1,port=${port},export=lv,tls-creds=t`;
  assert.match(await run("qemu-img", "info", ...words, image), /64 MiB/);
  await run("qemu-io", ...words, "-c", "write -P 3 6M 1M", "-c", "read -P 3 6M 1M", image);

  const plain = await runBeside("timeout", "20", "nbdinfo", `nbd://127.0.0.1:${port}/lv`);
  assert.notEqual(plain.code, 0);
  const other = join(pool.directory, "other-pki");
  makeCertificates(other);
  writeFileSync(join(other, "ca-cert.pem"), readFileSync(join(certificates, "ca-cert.pem")));
  const stranger = `nbds://127.0.0.1:${port}/lv?tls-certificates=${other}`;
  assert.notEqual((await runBeside("timeout", "20", "nbdinfo", stranger)).code, 0);
  const elsewhere = { address, volume: "lv", tlsDirectory: null };
  await assert.rejects(client.nbdExport(elsewhere), { code: "exists" });
  assert.equal(await client.nbdUnexport("lv", address), "done");
  assert.notEqual((await runBeside("timeout", "20", "nbdinfo", secure)).code, 0);
});

test("a socket of its own shows only the LVs that are exported there", { skip }, async () => {
  await client.activate({ ...snap, name: "other" });
  const path = join(pool.directory, "own.sock");
  await client.nbdExport({ address: `unix:${path}`, volume: "other", tlsDirectory: null });
  const list = await run("nbdinfo", "--list", "--json", `nbd+unix:///?socket=${path}`);
  const { exports } = JSON.parse(list) as { exports: { "export-name": string }[] };
  assert.deepEqual(
    exports.map((exported) => exported["export-name"]),
    ["other"],
  );
  assert.equal(await client.nbdUnexport("other", null), "done");
  assert.equal(existsSync(path), false);
  assert.equal(await client.nbdUnexport("other", null), "unchanged");
  await client.deactivate("other");
});

test("after kill -9 the server listens again, and what was flushed is there", { skip }, async () => {
  const path = join(pool.directory, "kept.sock");
  await client.nbdExport({ address: `unix:${path}`, volume: "lv", tlsDirectory: null });
  await io("write -P 42 9M 1M", "flush");
  await pool.killServer();
  while (!existsSync(path) || (await client.nbdStatus()).listeners.length === 0) await sleep(10);
  await io("read -P 42 9M 1M");
  await run("qemu-io", "-f", "raw", "-c", "read -P 42 9M 1M", `nbd+unix:///lv?socket=${path}`);
});

test("a pool that mounts nothing serves by NBD", { skip }, async () => {
  const bare = new LivePool(128 * MiB);
  try {
    await bare.start({ ...bare.spec(64 * MiB, [lv]), mount: false });
    const bareUri = `nbd+unix:///lv?socket=${bare.files.nbdSocket}`;
    await run("qemu-io", "-f", "raw", "-c", "write -P 8 0 1M", "-c", "flush", bareUri);
    await bare.killServer();
    while (!existsSync(bare.files.nbdSocket)) await sleep(10);
    await run("qemu-io", "-f", "raw", "-c", "read -P 8 0 1M", bareUri);
    assert.doesNotMatch(readFileSync("/proc/self/mounts", "utf8"), new RegExp(bare.files.mountPoint));
  } finally {
    await bare.close();
  }
});

test("a write that finds the pool full is answered when the pool has grown; reads go on", { skip }, async () => {
  const small = new LivePool(128 * MiB);
  try {
    const spec = { ...small.spec(8 * MiB, [lv]), errorWhenFull: false };
    const server = await small.start(spec);
    const smallUri = `nbd+unix:///lv?socket=${small.files.nbdSocket}`;
    const filling = runBeside(
      "timeout", "50", "qemu-io", "-f", "raw", "-c", "write -P 6 0 16M", "-c", "read -P 6 0 16M", smallUri,
    );
    while ((await server.status()).pool?.mode !== "out-of-data-space") await sleep(20);
    await run("qemu-io", "-f", "raw", "-c", "read -P 6 0 1M", "-c", "read -P 0 60M 1M", smallUri);
    await server.reload({ ...small.spec(32 * MiB, [lv]), errorWhenFull: false, messages: [] });
    const { code, output } = await filling;
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /fail|error/i);
  } finally {
    await small.close();
  }
});
