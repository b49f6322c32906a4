// Events of a node and of all nodes: ids that only grow, a bounded file, each told once to each reader.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ClusterEvent, Peer } from "@mortar/api";
import { EventCursor } from "./event-cursor.ts";
import { answerPeer, EventFeed, type EventReader } from "./event-feed.ts";
import { EventLog } from "./event-log.ts";
import { NodeSights, type Sight } from "./node-sights.ts";
import { PoolTail } from "./pool-tail.ts";
import { SignInRefusals } from "./refusals.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-events-${process.pid}-`));
after(() => rmSync(directory, { recursive: true }));

let files = 0;
function logOf(uuid: string, nowMs: () => number, file = `events-${(files += 1)}.jsonl`): EventLog {
  return new EventLog({ file: join(directory, file), uuid, host: `host-${uuid}`, nowMs, log: silent });
}

function volume(name: string) {
  return { kind: "volume-created", object: name, sentence: `${name} was created.` } as const;
}

test("ids only grow: over restarts, with a clock that was set back, and when the file is lost", () => {
  const first = logOf("a", () => 5_000, "kept.jsonl");
  const ids = [first.raise(volume("v")).id, first.raise(volume("w")).id];
  appendFileSync(join(directory, "kept.jsonl"), '{"id":99999,"kind":"volume-cre');
  const second = logOf("a", () => 1_000, "kept.jsonl");
  assert.deepEqual(second.newest(9).map(({ object }) => object), ["v", "w"]);
  ids.push(second.raise(volume("x")).id);
  ids.push(logOf("a", () => 6_000).raise(volume("y")).id);
  assert.deepEqual(ids, [5_000, 5_001, 5_002, 6_000]);
});

test("what is kept is bounded, on disk and in memory, and the newest is kept", () => {
  const log = logOf("a", () => 1, "bounded.jsonl");
  const sentence = "x".repeat(4_000);
  for (let index = 0; index < 1_700; index += 1) {
    log.raise({ kind: "pool-extended", object: String(index), sentence });
  }
  const bytes = ["", ".1"].map((it) => statSync(join(directory, `bounded.jsonl${it}`)).size);
  assert.ok(Math.max(...bytes) < 2.2 * 1024 * 1024, String(bytes));
  const again = logOf("a", () => 1, "bounded.jsonl");
  assert.equal(again.newest(1)[0]?.object, "1699");
  assert.equal(again.raise(volume("v")).id, log.raise(volume("v")).id);
});

test("the journal is told the sentence with what to do, and fields to find it by", () => {
  const told: Readonly<Record<string, string | number>>[] = [];
  const log = new EventLog({
    file: join(directory, "journal.jsonl"), uuid: "a", host: "h", nowMs: () => 7, log: silent,
    toJournal: (fields) => void told.push(fields),
  });
  log.raise({ kind: "pool-full", object: "vg/p", sentence: "The pool is full.", nextStep: "lvextend" });
  assert.deepEqual(told, [{
    MESSAGE: "The pool is full. Next: lvextend", PRIORITY: 3, SYSLOG_IDENTIFIER: "mortar",
    MORTAR_KIND: "pool-full", MORTAR_OBJECT: "vg/p", MORTAR_NODE: "h", MORTAR_EVENT: 7,
    MORTAR_NEXT_STEP: "lvextend",
  }]);
});

/** Node a, which asks b; b can be away. */
function pair() {
  let nowMs = 1_000;
  const logs = { a: logOf("aa", () => nowMs), b: logOf("bb", () => nowMs) };
  const state = { isAway: false, asked: 0 };
  const feed = new EventFeed({
    uuid: "aa", events: logs.a, log: silent, nowMs: () => nowMs,
    peers: () => [{ uuid: "bb", host: "b" }],
    ask: async (_uuid, question) => {
      state.asked += 1;
      if (state.isAway) throw new Error("away");
      return answerPeer(logs.b, question);
    },
  });
  return { ...logs, state, feed, pass: (ms: number) => (nowMs += ms) };
}

function reader(): EventReader & { readonly read: string[]; cursor: string } {
  const it = {
    read: [] as string[], cursor: "",
    take: ({ object }: ClusterEvent, cursor: EventCursor) => {
      it.read.push(object);
      it.cursor = cursor.toString();
      return true;
    },
  };
  return it;
}

test("pages of all nodes together leave out nothing and tell nothing twice", async () => {
  const { a, b, feed, state, pass } = pair();
  for (const name of ["1", "2", "3", "4", "5", "6", "7"]) {
    (Number(name) % 3 === 0 ? b : a).raise(volume(name));
    if (Number(name) % 2 === 0) pass(1);
  }
  const read: string[] = [];
  let before: { id: number; nodeId: string } | undefined;
  for (;;) {
    const { events } = await feed.page(2, before);
    if (events.length === 0) break;
    read.push(...events.map(({ object }) => object));
    before = events.at(-1)!;
  }
  assert.deepEqual([...read].sort(), ["1", "2", "3", "4", "5", "6", "7"]);
  state.isAway = true;
  const { events, away } = await feed.page(9);
  assert.deepEqual([events.length, away], [5, ["b"]]);
  feed.close();
});

test("a reader that comes back with its cursor misses nothing, of no node", async () => {
  const { a, b, feed, state, pass } = pair();
  a.raise(volume("before"));
  pass(10);
  const first = reader();
  const stop = await feed.follow(first, new EventCursor(1_005));
  a.raise(volume("1"));
  stop();
  assert.deepEqual(first.read, ["1"]);
  pass(10);
  a.raise(volume("2"));
  b.raise(volume("3"));
  const second = reader();
  const end = await feed.follow(second, EventCursor.read(first.cursor)!);
  assert.deepEqual(second.read, ["2", "3"]);
  end();
  const { asked } = state;
  assert.equal(feed.readers, 0);
  b.raise(volume("4"));
  assert.equal(state.asked, asked, "nobody is asked while nobody follows");
  feed.close();
});

test("a cursor that is none of ours is refused", () => {
  for (const text of ["", "x", "1,bb", "1,bb.x", "1,bb.1 ", `1${",bb.1".repeat(2_000)}`]) {
    assert.equal(EventCursor.read(text), undefined, text);
  }
  assert.equal(EventCursor.read("7,bb.3")?.of("bb"), 3);
});

test("a reader that takes no more is forgotten", async () => {
  const { a, feed } = pair();
  await feed.follow({ take: () => false }, new EventCursor(0));
  a.raise(volume("v"));
  assert.equal(feed.readers, 0);
  feed.close();
});

const spec = { volume: "v", host: "h", path: "/b", volfileId: "v.h.b" } as const;
const server = { spec, state: "online", restarts: 0, reason: undefined } as const;

function sightOf(change: Partial<Sight>): Sight {
  return {
    uuid: "bb", host: "h", bricks: [server], peers: [peer("cc", true)], isWritable: true,
    reason: undefined, ...change,
  };
}

function peer(uuid: string, connected: boolean): Peer {
  return { uuid, hostname: `h-${uuid}`, self: false, connected, state: 3, stateName: "" };
}

test("a brick that died is told of, also when it was up again before anybody looked", () => {
  const sights = new NodeSights();
  const look = (brick: object | undefined): string[] => {
    const bricks = brick === undefined ? [] : [{ ...server, ...brick }];
    return sights.look(sightOf({ bricks })).map(({ kind }) => kind);
  };
  assert.deepEqual(look({}), []);
  assert.deepEqual(look({ restarts: 1 }), ["brick-down", "brick-up"]);
  assert.deepEqual(look({ restarts: 1, state: "restarting" }), ["brick-down"]);
  assert.deepEqual(look({ restarts: 1, state: "failed" }), []);
  assert.deepEqual(look({ restarts: 2 }), ["brick-up"]);
  assert.deepEqual(look({ restarts: 2, state: "stopping" }), []);
  assert.deepEqual(look(undefined), []);
  assert.deepEqual(look({ state: "starting" }), []);
  assert.deepEqual(look({}), []);
});

test("that a node is away is told by one of those that hear each other, and once", () => {
  const kinds = (uuid: string, peers: Peer[][]): string[] => {
    const sights = new NodeSights();
    return peers.flatMap((it) => sights.look(sightOf({ uuid, peers: it })).map(({ kind }) => kind));
  };
  const all = [peer("aa", true), peer("cc", true)];
  const without = [peer("aa", true), peer("cc", false)];
  assert.deepEqual(kinds("bb", [all, without, all]), [], "aa tells it");
  const least = (there: boolean): Peer[] => [peer("cc", true), peer("aa", there)];
  assert.deepEqual(kinds("bb", [least(true), least(false), least(false), least(true)]),
    ["peer-away", "peer-back"]);
  assert.deepEqual(kinds("aa", [[], [peer("cc", false)], [peer("cc", true)], []]),
    ["peer-joined", "peer-left"]);
});

test("the majority is told of when it goes and when it comes, and not at the start", () => {
  const sights = new NodeSights();
  const look = (isWritable: boolean) =>
    sights.look(sightOf({ isWritable, reason: isWritable ? undefined : "2 of 3 are away" }));
  assert.deepEqual(look(true), []);
  assert.match(look(false)[0]?.sentence ?? "", /cannot be changed from h: 2 of 3 are away/);
  assert.deepEqual(look(false), []);
  assert.deepEqual(look(true).map(({ kind }) => kind), ["majority-back"]);
});

test("each event of a pool is taken over once, also by the next daemon", () => {
  const run = mkdtempSync(join(directory, "run-"));
  const tell = (time: string, message: string): void => {
    const event = { time, severity: "warning", kind: "data-high", vg: "vg0", pool: "p", message };
    appendFileSync(join(run, "events.jsonl"), `${JSON.stringify(event)}\n`);
  };
  tell("2026-01-01T00:00:00.000Z", "one");
  const log = logOf("aa", () => 1, "pools.jsonl");
  const tail = new PoolTail(run, log);
  tail.look();
  tell("2026-01-01T00:00:00.000Z", "two");
  tail.look();
  tail.look();
  const again = logOf("aa", () => 1, "pools.jsonl");
  const next = new PoolTail(run, again);
  next.look();
  tell("2026-01-01T00:00:01.000Z", "three");
  next.look();
  const [first, ...more] = again.newest(9);
  assert.deepEqual(
    [first?.kind, first?.object, first?.severity, first?.atMs],
    ["pool-data-high", "vg0/p", "warning", Date.UTC(2026, 0, 1)],
  );
  assert.deepEqual(more.map(({ sentence }) => sentence), ["two", "three"]);
});

test("who tries many tokens is told of once a minute", () => {
  let nowMs = 0;
  const log = logOf("aa", () => nowMs);
  const refusals = new SignInRefusals(log, () => nowMs);
  for (let times = 0; times < 50; times += 1) refusals.note("192.0.2.1");
  nowMs += 60_000;
  refusals.note("192.0.2.1");
  assert.deepEqual(log.newest(9).map(({ data }) => data?.["times"]), [1, 50]);
});
