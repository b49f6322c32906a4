/**
 * The real QEMU guest agent freezes a real file system and thaws it. It freezes all that it can
 * see: it runs in a tree of its own, a tmpfs with nothing but itself and one XFS.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freezeGuest, thawGuest } from "./guest-agent.ts";

const AGENT = "/usr/sbin/qemu-ga";
const LIMIT_MS = 10_000;
const reason =
  process.getuid?.() !== 0 ? "needs root" : existsSync(AGENT) ? undefined : `${AGENT} is missing`;

/** Throws when it fails. */
function run(program: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  assert.equal(status, 0, `${program} ${words.join(" ")}: ${stderr}`);
  return stdout;
}

/** The agent and the libraries that it is linked with. */
function copyAgent(root: string): void {
  const libraries = [...run("ldd", AGENT).matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]!);
  for (const file of [AGENT, ...libraries]) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(file, join(root, file), { dereference: true });
  }
}

test("qemu-ga freezes and thaws", reason === undefined ? {} : { skip: reason }, async () => {
  const root = mkdtempSync(join(tmpdir(), "mortar-qga-"));
  const disk = join(root, "disk");
  run("mount", "-t", "tmpfs", "none", root);
  let agent: ReturnType<typeof spawn> | undefined;
  try {
    copyAgent(root);
    for (const name of ["disk", "proc", "tmp"]) mkdirSync(join(root, name));
    run("mount", "-t", "proc", "proc", join(root, "proc"));
    run("truncate", "-s", "320M", join(root, "image"));
    run("mkfs.xfs", "-q", join(root, "image"));
    run("mount", "-o", "loop", join(root, "image"), disk);
    agent = spawn("chroot", [root, AGENT, "-m", "unix-listen", "-p", "/tmp/qga", "-t", "/tmp"], {
      stdio: "ignore",
    });
    const socket = join(root, "tmp/qga");
    for (let waited = 0; !existsSync(socket) && waited < LIMIT_MS; waited += 50) await sleep(50);
    assert.equal(await freezeGuest(socket, LIMIT_MS), 1);
    const writer = spawn("touch", [join(disk, "file")], { stdio: "ignore" });
    const ended = once(writer, "exit");
    await sleep(300);
    assert.equal(writer.exitCode, null, "a writer waits");
    // What an agent does not allow while frozen is refused, and told of.
    await assert.rejects(freezeGuest(socket, LIMIT_MS), /qga: /);
    assert.equal(await thawGuest(socket, LIMIT_MS), 1);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(await thawGuest(socket, LIMIT_MS), 0, "again: nothing to thaw");
  } finally {
    spawnSync("fsfreeze", ["--unfreeze", disk]);
    if (agent !== undefined && agent.exitCode === null) {
      agent.kill("SIGKILL");
      await once(agent, "exit");
    }
    for (const place of [disk, join(root, "proc"), root]) spawnSync("umount", ["-l", place]);
    rmSync(root, { recursive: true, force: true });
  }
});
