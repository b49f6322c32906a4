import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterState, emptyState } from "@mortar/cluster";
import type { BrickSpec } from "../bricks/brick-process.ts";
import { ServerQuorum } from "./server-quorum.ts";

const spec = (volume: string, path: string): BrickSpec =>
  ({ volume, host: "a", path, volfileId: `${volume}.a.${path}` });
const bricks = [spec("v", "/v1"), spec("v", "/v2"), spec("w", "/w1")];

function stateOf(): ClusterState {
  const volume = (name: string, type: string) => ({
    revision: 1,
    document: {
      name, status: "Started", options: [{ name: "cluster.server-quorum-type", value: type }],
    },
  });
  const nodes = new Map(["a", "b", "c"].map((uuid) => [uuid, { revision: 1, document: { uuid } }]));
  const volumes = new Map([["v", volume("v", "server")], ["w", volume("w", "none")]]);
  return { ...emptyState("a"), nodes, volumes } as unknown as ClusterState;
}

function host(running: Set<string>) {
  const lines: string[] = [];
  const say = (_fields: object, message: string) => void lines.push(message);
  let connected = ["a"];
  const quorum = new ServerQuorum({
    state: stateOf,
    connected: () => connected,
    bricksOf: (volume) => bricks.filter((it) => it.volume === volume),
    isUp: (path) => running.has(path),
    stop: async (path) => void running.delete(path),
    start: async ({ path }) => running.add(path),
    log: { debug: say, info: say, warn: say, error: say } as never,
  });
  return { quorum, lines, sees: (...others: string[]) => (connected = ["a", ...others]) };
}

test("a daemon that starts leaves what runs alone, and lets nothing else of it start", async (t) => {
  const running = new Set(["/v1", "/w1"]);
  const { quorum, sees, lines } = host(running);
  t.after(() => quorum.close());
  await quorum.open();
  assert.deepEqual([...running], ["/v1", "/w1"]);
  assert.equal(quorum.mayStart("v"), false);
  assert.equal(quorum.mayStart("w"), true);
  assert.deepEqual(bricks.map((it) => quorum.allows(it)), [true, false, true]);
  sees("b");
  await quorum.look();
  assert.deepEqual([...running].sort(), ["/v1", "/v2", "/w1"]);
  assert.deepEqual(lines, ["Server quorum regained for volume v. Starting local bricks."]);
});

test("bricks of the volumes that take part end with the quorum, and come back with it", async () => {
  const running = new Set(["/v1", "/v2", "/w1"]);
  const { quorum, sees, lines } = host(running);
  sees("c");
  await quorum.look();
  sees();
  // Not opened: it is not new, whatever time it is.
  await quorum.look();
  assert.deepEqual([...running], ["/w1"]);
  assert.deepEqual(bricks.map((it) => quorum.allows(it)), [false, false, true]);
  assert.ok(quorum.allows(spec("v", "glustershd-v")), "daemons go on");
  await quorum.look();
  sees("b", "c");
  await quorum.look();
  assert.deepEqual([...running].sort(), ["/v1", "/v2", "/w1"]);
  assert.deepEqual(lines, [
    "Server quorum lost for volume v. Stopping local bricks.",
    "Server quorum regained for volume v. Starting local bricks.",
  ]);
});
