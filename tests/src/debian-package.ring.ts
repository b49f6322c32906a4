// The Debian package in a Debian of its own: installed by apt, started, upgraded under a brick that serves, removed.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

/** The oldest with a Node.js that Mortar runs on. */
const SUITE = "trixie";
const STATE = "/var/lib/mortar";

const buildProgram = new URL("../../packaging/debian/build.mjs", import.meta.url);
const { buildDebian } = (await import(buildProgram.href)) as {
  readonly buildDebian: (target: string, wish?: { readonly version: string }) => string;
};
const directory = mkdtempSync(join(tmpdir(), `mortar-debian-${process.pid}-`));
const tree = join(directory, "tree");
const group = `deb${process.pid}`;
const address = `127.3.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
const loops: string[] = [];

interface Ran {
  readonly exitCode: number;
  readonly output: string;
}

function run(program: string, words: readonly string[], seconds = 60): Promise<Ran> {
  return new Promise((resolve) => {
    // What this machine says to its own Node.js is about files of its own.
    const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...inherited } = process.env;
    const environment = { ...inherited, LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };
    const all = ["--kill-after=5", String(seconds), program, ...words];
    execFile("timeout", all, { env: environment, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ exitCode: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

async function ok(program: string, words: readonly string[], seconds?: number): Promise<string> {
  const { exitCode, output } = await run(program, words, seconds);
  assert.equal(exitCode, 0, `${program} ${words.join(" ")}\n${output}`);
  return output;
}

/** A line of shell in the tree. */
function inTree(line: string, seconds?: number): Promise<string> {
  return ok("chroot", [tree, "sh", "-c", line], seconds);
}

function processesOfTree(): number[] {
  return readdirSync("/proc").map(Number).filter((pid) => {
    try {
      return Number.isInteger(pid) && readlinkSync(`/proc/${pid}/root`) === tree;
    } catch {
      return false;
    }
  });
}

function mountsBelow(place: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8").split("\n")
    .map((line) => line.split(" ")[4] ?? "").filter((point) => point.startsWith(`${place}/`));
}

after(async () => {
  if (existsSync(join(tree, "usr/bin/mortar"))) await run("chroot", [tree, "mortar", "down", "--force"], 60);
  for (let looks = 0; looks < 5 && processesOfTree().length > 0; looks += 1) {
    for (const pid of processesOfTree()) process.kill(pid, "SIGKILL");
    await sleep(200);
  }
  for (const loop of loops) await run("losetup", ["-d", loop], 20);
  for (const point of mountsBelow(directory).toReversed()) await run("umount", ["-l", point], 20);
  assert.deepEqual(mountsBelow(directory), []);
  rmSync(directory, { recursive: true, force: true });
  rmSync(`/dev/${group}`, { recursive: true, force: true });
});

const packages = { first: "", next: "" };

test("it is built, and lintian has nothing to say", { timeout: 590_000 }, async () => {
  packages.first = buildDebian(directory);
  packages.next = buildDebian(directory, { version: "0.1.1" });
  const words = ["--allow-root", "--fail-on", "error,warning", packages.first];
  assert.equal(await ok("lintian", words, 300), "");
});

test("apt installs it into a fresh Debian; its units are sound, its socket is the group's", { timeout: 600_000 }, async () => {
  await ok("debootstrap", ["--variant=minbase", "--include=systemd,kmod,xfsprogs", SUITE, tree], 500);
  writeFileSync(join(tree, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  for (const name of ["proc", "sys", "dev"]) await ok("mount", ["--bind", `/${name}`, join(tree, name)]);
  for (const file of Object.values(packages)) await ok("cp", [file, tree]);
  await inTree(`apt-get install -y -q --no-install-recommends /${basename(packages.first)}`, 300);
  assert.match(await inTree("mortar --version"), /^mortar \d+\.\d+\.\d+\n$/);
  await inTree("systemd-analyze verify --man=no mortar.service mortard.service");
  assert.equal(await inTree("systemctl is-enabled mortar mortard"), "enabled\nenabled\n");
  await ok("truncate", ["-s", "700M", join(tree, "disk.img")]);
  const loop = (await ok("losetup", ["--find", "--show", join(tree, "disk.img")])).trim();
  loops.push(loop);
  const settings = JSON.parse(readFileSync(join(tree, "etc/mortar/mortar.json"), "utf8")) as object;
  // The devices of the machine are seen in the tree; they are none of this node's.
  const own = JSON.stringify({ ...settings, address, devices: [loop] });
  writeFileSync(join(tree, "etc/mortar/mortar.json"), own);
  await inTree("systemd-tmpfiles --create mortar.conf && mortar up", 100);
  assert.equal(await inTree("stat -c '%a %U %G' /run/mortar/mortard.sock /run/mortar"), "660 root mortar\n710 root mortar\n");
  await inTree("useradd --system --groups mortar ann && su ann -s /bin/sh -c 'mortar volume list'");
});

interface Status {
  readonly node: { readonly version: string; readonly bricks: readonly { readonly pid: number; readonly state: string }[] };
  readonly pools: readonly { readonly serverVersion: string }[];
}

async function status(): Promise<Status> {
  return JSON.parse(await inTree("mortar status --json")) as Status;
}

test("an upgrade stops no brick, and takes pools and mortard over; the old files stay while they are used", { timeout: 300_000 }, async () => {
  const [loop] = loops;
  await inTree(`mortar vgcreate ${group} ${loop} && mortar lvcreate --thin ${group} -L 600M -n pool`);
  await inTree(`mortar lvcreate -V 500M -T ${group}/pool -n brick && mkfs.xfs -q /dev/${group}/brick`);
  await inTree(`mkdir /brick && mount /dev/${group}/brick /brick && mkdir /brick/exp`);
  await inTree(`mortar volume create v ${address}:/brick/exp && mortar volume start v`, 100);
  const before = await status();
  assert.deepEqual(before.node.bricks.map(({ state }) => state), ["online"]);
  await inTree(`apt-get install -y -q -o Dpkg::Options::=--force-confold /${basename(packages.next)}`, 200);
  const now = await status();
  assert.deepEqual(now.node.bricks, before.node.bricks);
  assert.deepEqual([now.node.version, ...now.pools.map((it) => it.serverVersion)], ["0.1.1", "0.1.1"]);
  assert.deepEqual(readdirSync(join(tree, "usr/lib/mortar")).toSorted(), [before.node.version, "0.1.1"]);
});

test("it is not removed while a program uses a brick's file system; a purge leaves the state alone", { timeout: 300_000 }, async () => {
  const user = execFile("chroot", [tree, "sh", "-c", "cd /brick && exec sleep 600"]);
  await sleep(500);
  const refused = await run("chroot", [tree, "dpkg", "--remove", "mortar"], 100);
  assert.notEqual(refused.exitCode, 0);
  assert.match(refused.output, /mortar serves on/);
  assert.ok((await status()).node.bricks.length > 0);
  user.kill("SIGKILL");
  await sleep(500);
  await inTree("dpkg --purge mortar", 200);
  assert.deepEqual(processesOfTree(), []);
  for (const path of ["usr/lib/mortar", "usr/bin/mortar", "etc/mortar", "var/log/mortar", "run/mortar", "etc/logrotate.d/mortar"]) {
    assert.ok(!existsSync(join(tree, path)), path);
  }
  assert.ok(!readFileSync(join(tree, "etc/group"), "utf8").includes("mortar:"));
  assert.ok(statSync(join(tree, STATE)).isDirectory());
  const found = await inTree("find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -name '*mortar*' -print");
  const left = found.split("\n").filter((path) => path !== "" && !path.startsWith(STATE) && !path.endsWith(".deb"));
  assert.deepEqual(left, []);
});
