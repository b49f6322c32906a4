// A brick that somebody told to end is started when it is asked for, not in passing.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrickSupervisor } from "../bricks/supervisor.ts";
import { BrickServers } from "./brick-server.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const brick = { volume: "v", volumeId: "id", host: "n1", path: "/b1" };

test("what was told to end stays so when the node brings up what is missing", async () => {
  const started: string[] = [];
  const supervisor = {
    wasEnded: () => true, isUp: () => false,
    start: async ({ path }: { readonly path: string }) => void started.push(path),
  } as unknown as BrickSupervisor;
  const servers = new BrickServers(supervisor, {
    dumpDirectory: "/nowhere", address: "127.0.0.1", mayStart: () => true,
  }, silent);
  await servers.start({ brick, unlessEnded: true });
  assert.deepEqual(started, []);
  await servers.start({ brick });
  assert.deepEqual(started, ["/b1"]);
});
