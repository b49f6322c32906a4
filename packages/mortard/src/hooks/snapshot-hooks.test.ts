/** What hooks made quiet is woken again, whatever hangs or dies. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SnapshotHooks, type SnapshotHooksOptions } from "./snapshot-hooks.ts";

const OCCASION = { snapshot: "s1", volumes: ["v", "w"] };
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // Nobody reads it.
}

interface Bench {
  readonly directory: string;
  readonly options: SnapshotHooksOptions;
  script(name: string, body: string, mode?: number): void;
  /** Lines that the scripts wrote. */
  said(): string[];
}

/** Scripts write to the file that they know as $SAID. */
async function withBench(
  changes: Partial<SnapshotHooksOptions>,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "mortar-hooks-"));
  const scripts = join(directory, "scripts");
  const said = join(directory, "said");
  mkdirSync(scripts);
  writeFileSync(said, "");
  const bench: Bench = {
    directory,
    options: {
      scripts, directory: join(directory, "quiet"), agents: [], log,
      settings: { limitMs: 5000, required: false }, ...changes,
    },
    script(name, text, mode = 0o755) {
      writeFileSync(join(scripts, name), `#!/bin/sh\nSAID=${said}\n${text}\n`);
      chmodSync(join(scripts, name), mode);
    },
    said: () => readFileSync(said, "utf8").split("\n").filter((line) => line !== ""),
  };
  try {
    await body(bench);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const tells = 'echo "$(basename $0) $1 $MORTAR_SNAPSHOT $MORTAR_VOLUMES" >> $SAID';

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    assert.ok(waited < 10_000, `${what} took too long`);
    await sleep(20);
  }
}

test("scripts run before and after, and know what for", () =>
  withBench({}, async (bench) => {
    bench.script("one", tells);
    bench.script("not-executable", tells, 0o644);
    bench.script("of-everybody", tells, 0o777);
    const hooks = new SnapshotHooks(bench.options);
    const before = await hooks.before(OCCASION, 30_000);
    assert.deepEqual(before.map(({ name, error }) => [name, error]), [["one", undefined]]);
    assert.deepEqual(readdirSync(bench.options.directory).length, 1, "noted while quiet");
    const { held, reports } = await hooks.after("s1");
    assert.deepEqual([held, reports.length], [true, 1]);
    assert.deepEqual(bench.said(), ["one before s1 v w", "one after s1 v w"]);
    assert.deepEqual(readdirSync(bench.options.directory), []);
    assert.deepEqual(await hooks.after("s1"), { held: true, reports: [] }, "once");
    hooks.close();
  }));

test("one that hangs is ended with all that it started, and its part after runs", () =>
  withBench({ settings: { limitMs: 300, required: true } }, async (bench) => {
    const child = 'trap "" TERM; sleep 60 & echo $! >> $SAID; wait';
    bench.script("hangs", `[ $1 = after ] && { ${tells}; exit; }\n${child}`);
    const hooks = new SnapshotHooks(bench.options);
    const [report] = await hooks.before(OCCASION, 30_000);
    assert.match(report!.error!, /hangs before took longer than 300 ms/);
    assert.ok(report!.required && report!.tookMs < 5000);
    const [pid] = bench.said();
    await until("the end of what it started", () => !existsSync(`/proc/${pid}`));
    await hooks.after("s1");
    assert.equal(bench.said()[1], "hangs after s1 v w");
    hooks.close();
  }));

test("one that fails is told of with its last line", () =>
  withBench({}, async (bench) => {
    bench.script("fails", "echo first; echo no database >&2; exit 3");
    const hooks = new SnapshotHooks(bench.options);
    const [report] = await hooks.before(OCCASION, 30_000);
    assert.match(report!.error!, /fails before ended with 3: no database$/);
    await hooks.after("s1");
    hooks.close();
  }));

test("when nobody asks for it the part after runs by itself, and that is told", () =>
  withBench({}, async (bench) => {
    bench.script("one", tells);
    const hooks = new SnapshotHooks(bench.options);
    await hooks.before(OCCASION, 200);
    await until("the watchdog", () => bench.said().length === 2);
    assert.equal((await hooks.after("s1")).held, false);
    assert.equal(bench.said().length, 2, "not twice");
    hooks.close();
  }));

test("the guard dies: mortard runs the parts after", () =>
  withBench({}, async (bench) => {
    bench.script("one", `${tells}; [ $1 = before ] && echo $PPID >> $SAID; true`);
    const hooks = new SnapshotHooks(bench.options);
    await hooks.before(OCCASION, 30_000);
    process.kill(Number(bench.said()[1]), "SIGKILL");
    await until("the part after", () => bench.said().at(-1) === "one after s1 v w");
    await until("the note's end", () => readdirSync(bench.options.directory).length === 0);
  }));

test("mortard dies: the guard runs the parts after; both die: the next start does", async () => {
  for (const killsBoth of [false, true]) {
    await withBench({}, async (bench) => {
      bench.script("one", `${tells}; [ $1 = before ] && echo $PPID >> $SAID; true`);
      const program = fileURLToPath(new URL("./hook-owner.fixture.js", import.meta.url));
      const mortard = fork(program, [JSON.stringify(bench.options)], { execArgv: [] });
      await once(mortard, "message");
      const guard = Number(bench.said()[1]);
      if (killsBoth) process.kill(guard, "SIGSTOP");
      mortard.kill("SIGKILL");
      if (killsBoth) process.kill(guard, "SIGKILL");
      else await until("the part after", () => bench.said().at(-1) === "one after s1 v w");
      const next = new SnapshotHooks(bench.options);
      await next.wakeLeftovers();
      assert.equal(bench.said().at(-1), "one after s1 v w");
      assert.deepEqual(readdirSync(bench.options.directory), []);
    });
  }
});

test("a guest agent: frozen and thawed; what does not answer, or refuses, is told of", async () => {
  const directory = mkdtempSync(join(tmpdir(), "mortar-agent-"));
  const commands: string[] = [];
  let mode: "well" | "refuses" | "silent" = "well";
  const agent = createServer((socket) => {
    socket.on("error", ignore);
    // What a former user was owed comes first.
    socket.write('{"return": 77}\n');
    socket.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString("latin1").replaceAll("\u00ff", "").split("\n")) {
        if (line === "" || mode === "silent") continue;
        const { execute, arguments: words } = JSON.parse(line) as {
          execute: string; arguments?: { id: number };
        };
        commands.push(execute);
        if (words !== undefined) {
          socket.write(Buffer.concat([Buffer.from([255]), Buffer.from(`{"return": ${words.id}}\n`)]));
        } else if (mode === "refuses") {
          socket.write('{"error": {"class": "GenericError", "desc": "is frozen already"}}\n');
        } else socket.write('{"return": 2}\n');
      }
    });
  });
  const socket = join(directory, "agent");
  agent.listen(socket);
  await once(agent, "listening");
  const agents = [
    { volume: "v", name: "vm1", socket },
    { volume: "other", name: "vm2", socket },
    { volume: "w", name: "vm3", socket: join(directory, "nobody"), limitSeconds: 1, required: true },
  ];
  const settings = { limitMs: 400, required: false };
  try {
    await withBench({ agents, settings }, async (bench) => {
      const hooks = new SnapshotHooks(bench.options);
      const errors = async () =>
        (await hooks.before(OCCASION, 30_000)).map(({ name, error }) => `${name}: ${error}`);
      assert.deepEqual((await errors())[0], "vm1: undefined");
      await hooks.after("s1");
      const sync = "guest-sync-delimited";
      assert.deepEqual(commands, [sync, "guest-fsfreeze-freeze", sync, "guest-fsfreeze-thaw"]);
      mode = "refuses";
      const [refused, absent, ...more] = await errors();
      assert.match(refused!, /^vm1: .*is frozen already$/);
      assert.match(absent!, /^vm3: .*ENOENT/);
      assert.deepEqual(more, []);
      await hooks.after("s1");
      mode = "silent";
      assert.match((await errors())[0]!, /^vm1: .*no answer within 400 ms$/);
      await hooks.after("s1");
      hooks.close();
    });
  } finally {
    agent.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
