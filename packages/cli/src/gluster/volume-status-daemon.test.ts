import assert from "node:assert/strict";
import { test } from "node:test";
import type { VolumeProcess, VolumeStatus } from "@mortar/api";
import { UsageError } from "./command.ts";
import { onlyDaemon, statusDaemonOf } from "./volume-status-daemon.ts";

const process = (kind: VolumeProcess["kind"]): VolumeProcess =>
  ({ kind, host: "h", path: "/b", peerId: "p", online: true, pid: 1 });
const status: VolumeStatus = {
  name: "v", started: true, tasks: [],
  processes: [process("brick"), process("self-heal-daemon"), process("brick")],
};
const why = (...args: Parameters<typeof onlyDaemon>): string => {
  const answer = onlyDaemon(...args);
  return answer.ok ? "" : answer.problem.opErrstr;
};

test("a daemon is told alone, or why there is none, as stock has it", () => {
  const answer = onlyDaemon("shd", status, { copies: true });
  assert.deepEqual(answer.ok && answer.result[0]?.processes.map((it) => it.kind), ["self-heal-daemon"]);
  const none = { ...status, processes: [process("brick")] };
  assert.equal(why("shd", none, { copies: false }), "Volume v is not Self-heal compatible");
  assert.equal(why("shd", none, { copies: true }), "Self-heal Daemon is disabled for volume v");
  assert.equal(why("snapd", none, { copies: true }), "Volume v does not have uss enabled");
  assert.equal(why("quotad", none, { copies: true }), "Volume v does not have quota enabled");
});

test("a daemon is one volume's", () => {
  assert.equal(statusDaemonOf("shd", "v"), "shd");
  assert.equal(statusDaemonOf("h:/brick", "v"), undefined);
  assert.throws(() => statusDaemonOf("snapd", undefined), UsageError);
});
