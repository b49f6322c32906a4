// The whole story on a machine that has the client of GlusterFS and nothing of its server.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const tree = fileURLToPath(new URL("../../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "mortar-client-only-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** /usr/sbin as it is, but without the programs of GlusterFS that serve. */
function programsOfClient(): string {
  const target = join(scratch, "sbin");
  cpSync("/usr/sbin", target, { recursive: true, verbatimSymlinks: true });
  // The client is a link to the server's program, which goes by the name that it was called.
  rmSync(join(target, "glusterfs"));
  copyFileSync("/usr/sbin/glusterfsd", join(target, "glusterfs"));
  for (const name of ["glusterfsd", "glusterd", "gluster"]) rmSync(join(target, name), { force: true });
  return target;
}

/** The translators that make a process a brick. */
function translatorsOfServer(): string[] {
  const found = execFileSync("find", ["/usr/lib", "-path", "*/glusterfs/*/xlator/*"], {
    encoding: "utf8",
  });
  return found.split("\n").filter((it) => /\/(storage\/posix|protocol\/server)\.so$/.test(it));
}

test("quickstart runs where no program and no translator of a stock brick server is", { timeout: 240_000 }, () => {
  const translators = translatorsOfServer();
  assert.ok(translators.length >= 2, translators.join());
  const lines = [
    `mount --bind '${programsOfClient()}' /usr/sbin`,
    ...translators.map((file) => `mount --bind /dev/null '${file}'`),
    "! command -v glusterfsd && ! command -v glusterd && command -v glusterfs",
    // Inherited links in /sbin, where that is a directory of its own, would be found as well.
    "! ls /sbin/glusterfsd /usr/local/sbin/glusterfsd 2> /dev/null",
    `TMPDIR='${scratch}' '${tree}quickstart' --once`,
  ];
  // A private copy of the mounts of others would keep their devices busy when they unmount them.
  const words = ["--mount", "--propagation", "slave", "bash", "-euc", lines.join("\n")];
  const run = spawnSync("unshare", words, {
    encoding: "utf8",
    timeout: 220_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /Nothing is left: no mount, no loop device, no process, no file\./);
  assert.deepEqual(readdirSync(scratch), ["sbin"]);
});
