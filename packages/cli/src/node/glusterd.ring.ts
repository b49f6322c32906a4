/**
 * Three nodes on one machine, made and asked as GlusterFS's own shell tests do it: by the names
 * `glusterd` and `gluster` of an aliases directory, and by what such tests read from the XML.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { clientOf, isAlive, waitForEnd } from "./daemon.ts";
import { recorder } from "../testing/recorder.ts";
import { runOwnVerb } from "./verbs.ts";

const run = promisify(execFile);
const skip = process.getuid?.() === 0 ? false : "needs root for trusted attributes";
const numbers = [1, 2, 3] as const;

const directory = mkdtempSync(join(tmpdir(), `mortar-gd-${process.pid}-`));
const network = `127.93.${process.pid % 250}`;
const host = (number: number) => `${network}.${number}`;
const backend = (number: number) => join(directory, String(number));

/** The words of one glusterd, as such scripts build them. */
function glusterdWords(number: number): string {
  const at = backend(number);
  return [
    "glusterd",
    `--xlator-option management.working-directory=${at}/glusterd`,
    `--xlator-option management.run-directory=${at}/run/gluster`,
    `--xlator-option management.transport.socket.bind-address=${host(number)}`,
    `--xlator-option management.glusterd-sockfile=${at}/glusterd/gd.sock`,
    `--xlator-option management.logging-directory=${at}/log`,
    `--log-file=${directory}/glusterd${number}.log --pid-file=${at}/glusterd.pid`,
  ].join(" ");
}

async function shell(script: string): Promise<string> {
  const PATH = `${directory}/bin:${process.env["PATH"] ?? ""}`;
  const { stdout } = await run("sh", ["-ec", script], {
    env: { ...process.env, PATH }, cwd: "/", timeout: 120_000,
  });
  return stdout;
}

const cli = (number: number, words: string, mode = "--mode=script --wignore") =>
  `gluster ${mode} --glusterd-sock=${backend(number)}/glusterd/gd.sock ` +
  `--log-file=${directory}/cli.log ${words}`;

const pidOf = (number: number) =>
  Number(readFileSync(join(backend(number), "glusterd.pid"), "latin1"));

/** Prints the texts of the elements that an expression selects. */
const SELECT =
  "import sys, xml.etree.ElementTree as tree\n" +
  "for found in tree.parse(sys.stdin).findall(sys.argv[1]): print(found.text)";

/** Such tests wait for a value with a time limit. */
async function within(seconds: number, expected: string, script: string): Promise<void> {
  let found = "";
  for (let left = seconds * 5; left > 0; left -= 1) {
    found = (await shell(script).catch((error: Error) => error.message)).trim();
    if (found === expected) return;
    await sleep(200);
  }
  assert.equal(found, expected, script);
}

describe("glusterd by its own name", { skip, timeout: 240_000, concurrency: false }, () => {
  before(async () => {
    const made = await runOwnVerb("aliases", [join(directory, "bin")], recorder(""), { root: "/" });
    assert.equal(made, 0);
    for (const number of numbers) await shell(glusterdWords(number));
  });

  after(async () => {
    for (const number of numbers) {
      const root = join(backend(number), "glusterd");
      const pid = await daemonOf(root);
      if (pid === undefined) continue;
      await runOwnVerb("down", [], recorder(""), { root });
      await waitForEnd(pid, 20_000);
    }
    rmSync(directory, { recursive: true, force: true });
  });

  test("each answers as soon as its glusterd returns, and has the process's name", async () => {
    for (const number of numbers) {
      const pid = pidOf(number);
      assert.ok(isAlive(pid));
      assert.equal(readFileSync(`/proc/${pid}/comm`, "utf8"), "glusterd\n");
      assert.equal(await shell(cli(number, "volume list 2>&1")), "No volumes present in cluster\n");
      assert.equal(
        await shell(cli(number, "system getwd")),
        `${backend(number)}/glusterd/var/lib/mortar\n`,
      );
      assert.match(readFileSync(`${directory}/glusterd${number}.log`, "utf8"), /"starting"/);
    }
    await assert.rejects(shell(glusterdWords(1)), /runs already/);
  });

  test("nodes are probed, and each counts the others as connected", async () => {
    assert.equal(await shell(cli(1, `peer probe ${host(2)}`)), "peer probe: success\n");
    assert.equal(await shell(cli(1, `peer probe ${host(3)}`)), "peer probe: success\n");
    for (const number of numbers) {
      const count = "| grep 'Peer in Cluster (Connected)' | wc -l";
      await within(20, "2", `${cli(number, "peer status")} ${count}`);
    }
  });

  test("a volume is made, started and seen from each, in the words of such tests", async () => {
    const bricks = numbers.map((number) => `${host(number)}:${backend(number)}/v0`).join(" ");
    await shell(cli(1, `vol create v0 ${bricks}`));
    const field = (name: string) =>
      `vol info v0 | grep "^${name}: " | sed 's/.*: //'`;
    for (const number of numbers) {
      await within(10, "Created", cli(number, field("Status")));
    }
    await shell(cli(2, "vol start v0"));
    for (const number of numbers) {
      await within(20, "Started", cli(number, field("Status")));
      await within(10, "Distribute", cli(number, field("Type")));
    }
  });

  test("XML answers what expressions of such tests ask for", async () => {
    // Expressions of XPath, as `xmllint` and `xmlstarlet` are given them.
    const select = (number: number, words: string, expression: string) =>
      `${cli(number, `--xml ${words}`)} | python3 -c '${SELECT}' "${expression}"`;
    const online = (number: number) =>
      `./volStatus/volumes/volume/node[hostname='${host(number)}']` +
      `[path='${backend(number)}/v0']/status`;
    for (const number of numbers) {
      for (const brick of numbers) {
        await within(20, "1", select(number, "volume status v0", online(brick)));
      }
      await within(10, "1\n1", select(number, "peer status", "./peerStatus/peer/connected"));
      const named = "./volInfo/volumes/volume[name='v0']/statusStr";
      await within(10, "Started", select(number, "volume info v0", named));
    }
    // Older tests read it line by line.
    const path = `${backend(1)}/v0`;
    const status = `${cli(1, "--xml volume status v0")} | grep -B1 -A5 '<path>${path}</path>' ` +
      "| grep '<status>' | sed -e 's/ *<status>//' -e 's/<.*//'";
    await within(10, "1", status);
  });

  test("one that was killed is started again by the same words", async () => {
    process.kill(pidOf(3), "SIGKILL");
    const count = "| grep -c 'Peer in Cluster (Connected)'";
    await within(40, "1", `${cli(1, "peer status")} ${count}`);
    await shell(glusterdWords(3));
    await within(40, "2", `${cli(1, "peer status")} ${count}`);
    await within(20, "Started", `${cli(3, "volume info v0")} | sed -n 's/^Status: //p'`);
  });

  test("a question is asked in interactive mode, and not in a script's", async () => {
    const asking = cli(1, "volume stop v0", "--mode=interactive");
    const question =
      "Stopping volume will make its data inaccessible. Do you want to continue? (y/n) ";
    assert.equal(await shell(`echo n | ${asking} || true`), question);
    assert.equal(await shell(cli(1, "volume stop v0")), "volume stop: v0: success\n");
    assert.equal(await shell(`echo y | ${cli(2, "volume delete v0", "")}`),
      "Deleting volume will erase all information about the volume. Do you want to continue? " +
        "(y/n) volume delete: v0: success\n");
  });
});

async function daemonOf(root: string): Promise<number | undefined> {
  try {
    const answer = await clientOf(root, 10_000).nodeStatus();
    return answer.ok ? answer.result.pid : undefined;
  } catch {
    return undefined;
  }
}
