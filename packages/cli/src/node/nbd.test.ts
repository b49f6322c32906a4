/**
 * A thin pool on a plain file, made and exported by a user without privileges, with the commands
 * that people type; the clients are qemu-io and nbdinfo, run by that user too.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const NOBODY = 65_534;
const main = fileURLToPath(new URL("../main.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), `mortar-nbd-${process.pid}-`));
const image = join(root, "disk.img");
const vg = `nbd${process.pid}`;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function asNobody(program: string, ...words: string[]): Promise<Outcome> {
  const drop = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  return new Promise((resolve) => {
    const options = { timeout: 60_000, cwd: "/", env: { PATH: process.env["PATH"] } };
    execFile("setpriv", [...drop, program, ...words], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

async function mortar(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await asNobody(process.execPath, main, "--root", root, ...words);
  assert.equal(code, 0, `mortar ${words.join(" ")}\n${stdout}${stderr}`);
  return stdout.trim();
}

async function refused(...words: string[]): Promise<string> {
  const { code, stderr } = await asNobody(process.execPath, main, "--root", root, ...words);
  assert.notEqual(code, 0, `mortar ${words.join(" ")} was not refused`);
  return stderr;
}

async function client(program: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await asNobody(program, ...words);
  assert.equal(code, 0, `${program} ${words.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

const isRoot = process.getuid?.() === 0;
const canRead = isRoot && (await asNobody("test", "-r", main)).code === 0;
const skip = !isRoot ? "needs root, to drop it" : canRead ? false : `nobody may not read ${main}`;

before(() => {
  mkdirSync(join(root, "etc/mortar"), { recursive: true });
  writeFileSync(join(root, "etc/mortar/mortar.json"), JSON.stringify({ devices: [image] }));
  writeFileSync(image, "");
  truncateSync(image, 160 * 1024 * 1024);
  for (const path of [root, join(root, "etc"), image]) chownSync(path, NOBODY, NOBODY);
});
after(async () => {
  if (skip === false) await asNobody(process.execPath, main, "--root", root, "vgchange", "-an", vg);
  rmSync(root, { recursive: true, force: true });
});

test("a user without privileges makes a pool on a plain file and serves it by NBD", { skip }, async () => {
  await mortar("vgcreate", vg, image);
  await mortar("lvcreate", "-L", "100M", "-T", `${vg}/tp`);
  await mortar("lvcreate", "-V", "64M", "-T", `${vg}/tp`, "-n", "lv");
  const uri = await mortar("nbd", "export", `${vg}/lv`);
  await client("qemu-io", "-f", "raw", "-c", "write -P 7 1M 2M", "-c", "flush", uri);
  await mortar("lvcreate", "-s", `${vg}/lv`, "-n", "snap");
  const snap = await mortar("nbd", "export", `${vg}/snap`, "--socket", join(root, "snap.sock"));
  await client("qemu-io", "-f", "raw", "-c", "write -P 8 2M 64k", uri);
  await client("qemu-io", "-f", "raw", "-c", "read -P 7 1M 2M", snap);
  const map = await client("nbdinfo", `--map=mortar:changed-since:snap`, uri);
  assert.match(map, /2097152 +65536 +1/);
  const listed = JSON.parse(await mortar("nbd", "list", "--json")) as {
    exports: { lv: string; uris: string[] }[];
  };
  assert.deepEqual(
    listed.exports.map(({ lv, uris }) => [lv, uris.length]),
    [
      ["lv", 1],
      ["snap", 2],
    ],
  );
  await mortar("nbd", "unexport", `${vg}/snap`, "--socket", join(root, "snap.sock"));
  assert.match(await refused("nbd", "unexport", `${vg}/snap`), /is not exported at any address/);
  await mortar("lvchange", "-an", `${vg}/snap`);
  assert.match(await mortar("lvs", "--noheadings", "-o", "lv_name,lv_attr", vg), /lv +Vwi-a/);
});

test("a deactivated group comes back with what was written", { skip }, async () => {
  await mortar("vgchange", "-an", vg);
  assert.equal(await mortar("nbd", "list"), "LV  Clients  URI");
  const uri = await mortar("nbd", "export", `${vg}/lv`);
  await client("qemu-io", "-f", "raw", "-c", "read -P 8 2M 64k", "-c", "read -P 7 1M 1M", uri);
});

test("TCP without TLS has to be said", { skip }, async () => {
  const said = await refused("nbd", "export", `${vg}/lv`, "--listen", "127.0.0.1:10999");
  assert.match(said, /--plain/);
  assert.match(await refused("nbd", "export", `${vg}/lv`, "--plain"), /--listen/);
  assert.match(await refused("nbd", "export", vg), /names no volume/);
  assert.match(await refused("nbd", "explode"), /say export, unexport or list/);
});
