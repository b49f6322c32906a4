import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { runCommandLine } from "./command-line.ts";
import { lvmTools } from "./lvm/index.ts";
import { verbs } from "./node/verbs.ts";
import { poolVerbs } from "./pool/pool-verbs.ts";
import { recorder } from "./testing/recorder.ts";
import { mortarVersion } from "./version.ts";

async function run(calledAs: string, argv: readonly string[]) {
  const io = recorder("");
  const exitCode = await runCommandLine(calledAs, argv, io);
  return { exitCode, ...io.text() };
}

/** A root directory with a daemon's socket on which `handle` answers. */
async function rootWith(
  context: TestContext,
  handle: Parameters<typeof createServer>[1] & object,
): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), `mortar-cli-${process.pid}-`));
  const { mkdirSync } = await import("node:fs");
  mkdirSync(join(root, "run/mortar"), { recursive: true });
  const server: Server = createServer(handle);
  await new Promise<void>((resolve) => {
    server.listen(join(root, "run/mortar/mortard.sock"), resolve);
  });
  context.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

test("the version of the program is the version of its package", async () => {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  assert.equal((JSON.parse(text) as { version: string }).version, mortarVersion);
  const { stdout, exitCode } = await run("mortar", ["--version"]);
  assert.deepEqual([stdout, exitCode], [`mortar ${mortarVersion}\n`, 0]);
});

test("without a verb, and with --help, the program shows its verbs", async () => {
  for (const argv of [[], ["--help"], ["help"]]) {
    const { stdout, exitCode } = await run("mortar", argv);
    assert.match(stdout, /Usage: mortar/);
    assert.equal(exitCode, 0);
  }
});

test("the program's help names every verb and every tool of LVM", async () => {
  const { stdout } = await run("mortar", ["help"]);
  const words = new Set(stdout.split(/[\s|]+/));
  const own = [...Object.keys(verbs), ...Object.keys(poolVerbs), ...lvmTools];
  assert.deepEqual(own.filter((name) => !words.has(name) && name !== "help"), []);
});

test("every own verb has a help of its own", async () => {
  for (const verb of ["up", "down", "status", "aliases", "doctor", "help"]) {
    const behind = await run("mortar", [verb, "--help"]);
    const before = await run("mortar", ["help", verb]);
    assert.match(behind.stdout, new RegExp(`^Usage: mortar .*${verb}`));
    assert.equal(behind.stdout, before.stdout);
  }
});

test("a mistyped verb is told with the nearest one, and changes nothing", async () => {
  const { stderr, exitCode } = await run("mortar", ["stauts"]);
  assert.equal(stderr, "unrecognized word: stauts (position 0)\nDid you mean: mortar status\n");
  assert.equal(exitCode, 1);
});

test("under the name gluster the words of GlusterFS come without a first word", async () => {
  const { stdout, exitCode } = await run("/usr/local/bin/gluster", ["peer", "help"]);
  assert.match(stdout, /^\ngluster peer commands\n/);
  assert.equal(exitCode, 0);
  assert.deepEqual(await run("mortar", ["peer", "help"]), { stdout, stderr: "", exitCode: 0 });
});

test("`gluster --version` begins like stock's and names Mortar", async () => {
  const { stdout } = await run("gluster", ["--version"]);
  assert.match(stdout, /^glusterfs 10\.3\nMortar /);
});

test("--root must have a directory", async () => {
  const { stderr, exitCode } = await run("mortar", ["--root"]);
  assert.deepEqual([stderr, exitCode], ["--root needs a directory.\n", 1]);
});

test("without a daemon the sentence is stock's, and mortar says what to type", async () => {
  const root = "/nonexistent/mortar-root";
  const stock = await run("gluster", ["--root", root, "volume", "list"]);
  const sentence = "Connection failed. Please check if gluster daemon is operational.\n";
  assert.deepEqual(stock, { stdout: sentence, stderr: "", exitCode: 1 });
  const own = await run("mortar", [`--root=${root}`, "volume", "list"]);
  assert.equal(own.stdout, sentence);
  assert.match(own.stderr, /Next: mortar --root \/nonexistent\/mortar-root up\n$/);
});

test("a command goes to the daemon below --root, and its answer is printed", async (context) => {
  const asked: string[] = [];
  const root = await rootWith(context, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ result: [], warnings: [], details: [] }));
  });
  const { stdout, exitCode } = await run("mortar", ["--root", root, "snapshot", "list", "v1"]);
  assert.deepEqual([stdout, exitCode], ["No snapshots present\n", 0]);
  assert.deepEqual(asked, ["GET /v1/snapshots?volume=v1"]);
});

test("a daemon that does not answer in time is a sentence, not a wait", async (context) => {
  const root = await rootWith(context, () => {});
  const { stdout, exitCode } = await run("gluster", ["--root", root, "--timeout=1", "pool", "list"]);
  assert.deepEqual([stdout, exitCode], ["Error : Request timed out\n", 1]);
});

test("MORTAR_ROOT moves the node for links under stock names", async (context) => {
  process.env["MORTAR_ROOT"] = "/nonexistent/elsewhere";
  context.after(() => {
    delete process.env["MORTAR_ROOT"];
  });
  const { stdout } = await run("gluster", ["--print-logdir"]);
  assert.equal(stdout, "/nonexistent/elsewhere/var/log/mortar\n");
});
