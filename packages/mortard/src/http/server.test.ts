// The contract of every route, through the real server; the node behind it is in memory.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import {
  ApiError,
  followTask,
  mayBeTask,
  MortarClient,
  Problem,
  type RouteName,
  conforms,
  firstMismatch,
  routes,
  successOf,
  TransferClient,
} from "@mortar/api";
import { type Answer, CommandFailure, type CommandName } from "@mortar/cluster";
import { loginUid } from "@mortar/linux";
import type { FastifyInstance } from "fastify";
import { MemoryStore } from "@mortar/store";
import { AuditLog } from "../access/audit-log.ts";
import { AccessTokens } from "../access/tokens.ts";
import { LockTimeout } from "../locks.ts";
import { TransferRefused } from "../transfer/transfers.ts";
import { Tasks } from "../tasks/tasks.ts";
import type { NodeControl } from "./handlers.ts";
import { IdempotentAnswers } from "./idempotency.ts";
import { httpServer, listen } from "./server.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-http-${process.pid}-`));
const socketPath = join(directory, "mortard.sock");
const uuid = "0b6ba9a0-3f5b-4f5e-9f3e-2f1c5e6a7b8c";

const info = {
  name: "v", id: uuid, type: "Distribute", status: "Started", snapshotCount: 0, brickCount: 1,
  distCount: 1, replicaCount: 1, arbiterCount: 0, disperseCount: 0, redundancyCount: 0,
  transport: "tcp", bricks: [{ host: "h", path: "/b", hostUuid: uuid, isArbiter: false }],
  options: [{ name: "nfs.disable", value: "on" }],
};
const status = {
  name: "v", started: true, tasks: [],
  processes: [{ kind: "brick", host: "h", path: "/b", peerId: uuid, online: true, port: 1, pid: 2 }],
};
const config = {
  system: { hardLimit: 256, softLimitPercent: 90, autoDelete: false, activateOnCreate: false },
  volumes: [{ name: "v", hardLimit: 256, effectiveHardLimit: 256, effectiveSoftLimit: 230 }],
};
const changed = { name: "s", uuid };
const gain = {
  host: "h", vg: "vg", pool: "p", freedBytes: 1,
  lvs: [{ lv: "a", mappedBytes: 3, exclusiveBytes: 1, sharedBytes: 2 }],
};
const made = {
  brick: "h:/m/b", node: "h", mountPoint: "/m", vg: "vg", pool: "p", lv: "l", sizeBytes: 1,
};
const plan = { ...made, steps: ["mkdir /m/b"] };
const schedule = {
  name: "h", volumes: ["v"], cron: "0 * * * *", timeZone: "UTC", jitterMs: 0, keep: { hourly: 3 },
  missed: "once", enabled: true, nextMs: [5], snapshots: 1, interrupted: false,
  lastRun: { dueMs: 1, snapshot: "s" },
};
const bookmark = {
  name: "m", id: uuid, createdAtMs: 1, snapshot: { name: "s", id: uuid, state: 0 }, volume: "v",
  isComplete: true,
};
const header = {
  snapshot: { name: "s", id: uuid, state: 0 },
  createdAtMs: 1,
  volume: {
    name: "v", id: uuid, kind: "distribute" as const, replicaCount: 1, arbiterCount: 0,
    disperseCount: 0, redundancyCount: 0, options: [],
  },
  bricks: [{
    id: "v-client-0", sizeBytes: 5, kind: "full" as const, fsType: "xfs", mountOptions: "", below: "/b",
  }],
};
const file = {
  name: "f", kind: "file" as const, sizeBytes: 5, modifiedMs: 7, mode: 0o644, uid: 0, gid: 0,
};
const payloads: Partial<Record<CommandName, unknown>> = {
  volumeInfo: [info], volumeStatus: [status], volumeCreate: { name: "v", id: uuid },
  volumeDelete: { name: "v", id: uuid }, volumeStart: { name: "v", id: uuid },
  volumeStop: { name: "v", id: uuid }, volumeOptionGet: [{ name: "a", value: "b" }],
  volumeOptionSet: { name: "v", id: uuid }, volumeOptionReset: { name: "v", id: uuid },
  volumeAddBrick: { name: "v", id: uuid },
  volumeReplaceBrick: { name: "v", id: uuid }, volumeResetBrick: { name: "v", id: uuid },
  volumeRemoveBrick: { name: "v", id: uuid, fixLayout: false, status: "in progress", nodes: [] },
  volumeRebalance: { name: "v", id: uuid, fixLayout: false, status: "in progress", nodes: [] },
  volumeTop: { name: "v", bricks: [] },
  volumeClearLocks: { name: "v", bricks: [{ host: "h", path: "/b", blocked: 0, granted: 1 }] },
  volumeProfile: { name: "v", bricks: [] }, volumeBarrier: { name: "v", id: uuid },
  volumeHeal: { name: "v", id: uuid }, volumeHealSwitch: { name: "v", id: uuid },
  volumeHealInfo: {
    name: "v", id: uuid, bricks: [{
      host: "h", path: "/b", hostUuid: uuid, online: true, pending: 1, splitBrain: 0, healing: 0,
      entries: [{ gfid: uuid, path: "/f", state: "pending" }],
    }],
  },
  volumeHealStatistics: {
    name: "v", id: uuid, bricks: [{
      host: "h", path: "/b",
      crawls: [{ type: "FULL", startedAt: "now", healed: 1, splitBrain: 0, failed: 0 }],
    }],
  },
  volumeHealCount: { name: "v", id: uuid, bricks: [{ host: "h", path: "/b", count: 0 }] },
  volumeSplitBrain: { name: "v", id: uuid, exitCode: 0, output: "Healed /f." },
  volumeStatedump: { name: "v", files: [] }, volumeLogRotate: { name: "v", files: [] },
  volumeOptionHelp: [{ name: "a", defaultValue: "", description: "d" }],
  snapshotList: [{ name: "s", uuid, volume: "v", createdAt: 1, safety: false }],
  snapshotCreate: { name: "s", uuid, volume: "v", softLimitReached: false, autoDeleted: [] },
  snapshotDelete: changed, snapshotActivate: changed, snapshotDeactivate: changed,
  snapshotView: changed,
  snapshotReclaim: { snapshots: ["s"], pools: [gain], freedBytes: 1 },
  snapshotDiff: {
    from: "s", to: "live", writtenBytes: 1, discardedBytes: 0, complete: true,
    bricks: [{
      volume: "v", host: "h", path: "/b", writtenBytes: 1, discardedBytes: 0, rangeCount: 1,
      chunkBytes: 1, ranges: [{ kind: "written", offset: 0, length: 1 }],
    }],
  },
  snapshotSpace: [
    { name: "s", uuid, space: { referencedBytes: 3, exclusiveBytes: 1, sharedBytes: 2 } },
  ],
  commandPlan: {
    command: "snapshot delete", steps: [{ host: "h", action: "remove", object: "snapshot s" }],
    pools: [gain], freedBytes: 1,
  },
  snapshotDeleteMany: [{ name: "s", uuid, removed: false, opErrno: 1, opErrstr: "x" }],
  snapshotInfo: {
    snapshots: [{
      name: "s", uuid, createdAt: 1, safety: false,
      snapVolumes: [{
        name: uuid, status: "Started", originVolume: "v", snapsTaken: 1, snapsAvailable: 1,
      }],
    }],
  },
  snapshotStatus: [{ name: "s", uuid, activated: true, bricks: [{ host: "h", path: "/b" }] }],
  snapshotRestore: { name: "s", uuid, volume: "v", volumeId: uuid },
  nodeLabel: { uuid, zone: "rack1" }, brickDelete: { brick: "h:/m/b" },
  brickCreate: plan, brickPlace: [plan],
  brickList: [{ ...made, usedBy: ["volume v"] }],
  brickReadiness: [{
    volume: "v", brick: "h:/m/b", node: "h", obstacles: [{ detail: "d", nextStep: "n" }], notes: [],
  }],
  snapshotClone: { name: "c", id: uuid }, snapshotConfigGet: config, snapshotConfigSet: config,
  scheduleList: [schedule], scheduleAdd: schedule, scheduleEdit: schedule, scheduleSet: [schedule],
  schedulePreview: {
    cron: "0 * * * *", nextMs: [5], decisions: [{ name: "s", keep: false, reasons: [] }],
  },
  poolList: [{
    host: "h", vg: "vg0", pool: "p", state: "ok", sizeBytes: 200, usedBytes: 50,
    metadataPercent: 1.5,
  }],
  scheduleDelete: { name: "h" }, scheduleRun: { schedule: "h", dueMs: 5, removals: [] },
  schedulePrune: [
    { schedule: "h", decisions: [{ name: "s", keep: true, reasons: ["newest"] }], removals: [] },
  ],
  snapshotHold: changed, snapshotRelease: changed, snapshotLock: changed,
  snapshotUnlock: { ...changed, unlocked: false, confirmAfterMs: 9 },
  snapshotSend: { header, sources: [{ node: uuid, host: "h", vg: "vg0", pool: "p", lv: "a" }] },
  bookmarkList: [bookmark], bookmarkFinish: bookmark, bookmarkDelete: bookmark,
  bookmarkBegin: {
    id: uuid,
    bricks: [{ node: uuid, host: "h", name: "h:/b", vg: "vg0", pool: "p", lv: "a", sizeBytes: 1 }],
  },
  receiveList: [{ volume: "v", held: header.snapshot }],
  receiveBegin: {
    id: uuid, name: "s", targets: [{ node: uuid, host: "h", vg: "vg0", lv: "b" }],
    place: { brick: 0, offset: 0 },
  },
  receiveProgress: { brick: 0, offset: 5 }, receiveAbandon: { volume: "v" },
  receiveFinish: { volume: "v", volumeId: uuid, snapshot: "s", uuid },
};

class MemoryNode implements NodeControl {
  readonly poolHistory = { of: () => [] };
  readonly webhooks: NodeControl["webhooks"] = {
    list: {
      create: async ({ name, url, createdBy }) =>
        name === "taken" ? undefined : { name, url, createdBy, createdAtMs: 1, secret: "s" },
      list: () => [],
      delete: async (name) => name === "w",
    },
    sender: {
      try: async (name) => name === "w" ? { delivered: false, reason: "HTTP 500" } : undefined,
    },
  };
  readonly store = new MemoryStore();
  readonly answers = new IdempotentAnswers({
    store: this.store, uuid, isHeard: () => false, nowMs: Date.now, log: silent,
  });
  readonly logs: NodeControl["logs"] = {
    read: ({ unit = "mortard" }) => ({
      node: "h", unit, units: [], lines: [{ level: "info", text: "x" }], next: "1.2", isCut: false,
    }),
    ask: () => Promise.reject(new Error("there is no other node")),
  };
  tasks!: Tasks;
  readonly metrics = { text: () => Promise.resolve({ contentType: "text/plain", text: "" }) };
  readonly events: NodeControl["events"] = {
    feed: {
      page: () => Promise.resolve({ events: [], away: ["n2"] }),
      follow: () => Promise.resolve(() => undefined),
    },
  };
  readonly files: NodeControl["files"] = {
    list: () => Promise.resolve({ self: file, entries: [file] }),
    restore: ({ target }) => Promise.resolve({
      target, files: 1, directories: 0, links: 0, bytes: 5, replaced: 0, skipped: [],
    }),
    read: () => Promise.reject(new Error("not asked")),
    diff: () => Promise.reject(new Error("not asked")),
  };
  readonly calls: { name: CommandName; args: unknown }[] = [];
  answer: ((name: CommandName) => Answer<never>) | undefined;
  /** Bricks are not made before it. */
  held: Promise<void> | undefined;
  letGo: () => void = () => undefined;

  async run(name: CommandName, args: unknown): Promise<Answer<never>> {
    this.calls.push({ name, args });
    if (name === "brickPlace") await this.held;
    if (this.answer !== undefined) return Promise.resolve().then(() => this.answer!(name));
    const payload = payloads[name] as never;
    return Promise.resolve({ ok: true, payload, warnings: ["careful"], details: [] });
  }
  status() {
    return {
      version: "0", uuid, host: "h", address: "127.0.0.1", glusterPort: 24007, pid: 1, root: "/",
      stateDirectory: "/s", runDirectory: "/r", logDirectory: "/l", startedAt: 1, volumeCount: 1,
      snapshotCount: 0, glusterClients: 0,
      bricks: [{ volume: "v", path: "/b", state: "online" as const, pid: 1, port: 2, restarts: 0 }],
    };
  }
  readonly pool = {
    glusterPort: 24007,
    peers: () =>
      [{ uuid, hostname: "localhost", self: true, connected: true, state: 3, stateName: "x" }],
    probe: async (host: string, token: string | undefined) =>
      ({ outcome: host === "h" ? "localhost" as const : "known" as const, warnings: [token ?? "-"] }),
    detach: async (host: string) => {
      if (host === "h") throw new CommandFailure("node-in-use", 7, "h is localhost");
      return ["left"];
    },
    token: () => ({ token: "mortar1.x.y", expiresAtMs: 9_999 }),
    requests: () => [{ code: "c", host: "a", address: "1", accepted: false, expiresAtMs: 1_000 }],
    accept: (code: string) => code === "c",
    recovery: {
      recover: async (isConfirmed: boolean) => {
        if (!isConfirmed) throw new CommandFailure("node-unfit", 7, "Nothing was changed");
        return { gone: ["n2"] };
      },
      leave: async () => undefined,
    },
  };
  readonly transfers = {
    read: async ({ lv }: { readonly lv: string }) => {
      if (lv === "none") throw new TransferRefused("The logical volume none is no snapshot's");
      return Readable.from([Buffer.from("frames of "), Buffer.from(lv)]);
    },
    write: async ({ lv }: { readonly lv: string }, body: Readable) => {
      const lines = async function* () {
        for await (const part of body) {
          transferred.push(`${lv} ${String(part)}`);
          yield `${JSON.stringify({ durable: transferred.length, isDone: String(part) === "last" })}\n`;
        }
      };
      return Readable.from(lines(), { objectMode: false });
    },
    digest: async ({ lv }: { readonly lv: string }) => Readable.from([Buffer.from(lv)]),
    close: () => undefined,
  };
  reclaimable(lvs: readonly { vg: string; lv: string }[]) {
    if (lvs.some(({ lv }) => lv === "none")) {
      const error = Object.assign(new Error("Failed to find it"), { code: "lv-missing" });
      error.name = "VgError";
      return Promise.reject(error);
    }
    const one = { lv: "a", deviceId: 1, mappedBytes: 3, exclusiveBytes: 1, sharedBytes: 2 };
    return Promise.resolve([{ vg: "vg0", pool: "tank", lvs: [one], freedBytes: 1 }]);
  }
  shutDown() {
    return Promise.resolve({ bricksStopped: 1, unmounted: ["/m"], failures: [] });
  }
}

const node = new MemoryNode();
const transferred: string[] = [];
let server: FastifyInstance;
const client = new MortarClient({ socketPath });

before(async () => {
  node.tasks = await Tasks.open({
    store: node.store, uuid, host: "h", events: { raise: () => undefined as never }, log: silent,
    workOf: () => undefined, lookMs: 60_000,
  });
  const access = {
    tokens: await AccessTokens.open(new MemoryStore(), silent),
    audit: new AuditLog(join(directory, "audit.jsonl")),
  };
  server = await httpServer({ node, version: "0.1.0", log: silent, logFile: "/the/log", access });
  await listen(server, socketPath);
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

async function startedTask(): Promise<string> {
  const body = { volume: "v", sizeBytes: 1, setSize: 3, nodes: ["h"] };
  const answer = await client.startTask("brickPlace", { body });
  assert.ok(answer.ok);
  return answer.result.id;
}

const calls: Record<RouteName, () => Promise<Answer2>> = {
  tokenCreate: () => client.tokenCreate({ name: "ann", role: "viewer", days: 3 }),
  tokenList: () => client.tokenList(),
  tokenRevoke: () => client.tokenRevoke("ann"),
  sessionOpen: async () => {
    const bob = await client.tokenCreate({ name: "bob", role: "admin" });
    assert.ok(bob.ok);
    return await client.call("sessionOpen", { body: { token: bob.result.token } });
  },
  sessionSelf: () => client.sessionSelf(),
  sessionClose: () => client.call("sessionClose", {}),
  auditList: () => client.auditList({ limit: 5 }),
  webhookCreate: () => client.webhookCreate({ name: "w", url: "https://h/w", events: ["pool-full"] }),
  webhookList: () => client.webhookList(),
  webhookDelete: () => client.webhookDelete("w"),
  webhookTest: () => client.webhookTest("w"),
  taskList: () => client.taskList({ limit: 5 }),
  taskInfo: async () => await client.taskInfo(await startedTask()),
  taskCancel: async () => {
    node.held = new Promise((resolve) => (node.letGo = resolve));
    const answer = await client.taskCancel(await startedTask());
    node.letGo();
    node.held = undefined;
    return answer;
  },
  nodeLogs: () => client.nodeLogs("self", { unit: "mortard", level: "info" }),
  eventList: () => client.eventList({ limit: 5, before: "7.0b6b" }),
  nodeStatus: () => client.nodeStatus(),
  nodeShutdown: () => client.nodeShutdown(),
  nodeReclaimable: () => client.nodeReclaimable({ lvs: [{ vg: "vg0", lv: "a" }] }),
  peerList: () => client.peerList(),
  peerProbe: () => client.peerProbe({ host: "n2", token: "t" }),
  peerDetach: () => client.peerDetach("n2", { force: true }),
  peerToken: () => client.peerToken(),
  peerRecover: () => client.peerRecover({ yes: true }),
  peerLeave: () => client.peerLeave({ yes: true }),
  peerRequests: () => client.peerRequests(),
  peerAccept: () => client.peerAccept({ code: "c" }),
  nodeLabel: () => client.nodeLabel("n2", { zone: "rack1" }),
  brickList: () => client.brickList(),
  brickCreate: () => client.brickCreate({ brick: "h:/m/b", sizeBytes: 1, dryRun: true }),
  brickDelete: () => client.brickDelete("h:/m/b"),
  brickPlace: () => client.brickPlace({ volume: "v", sizeBytes: 1, setSize: 3, nodes: ["h"] }),
  brickReadiness: () => client.brickReadiness({ volume: "v" }),
  volumeInfoAll: () => client.volumeInfoAll(),
  volumeInfo: () => client.volumeInfo("v"),
  volumeCreate: () => client.volumeCreate({ name: "v", bricks: ["h:/b"], force: true }),
  volumeDelete: () => client.volumeDelete("v"),
  volumeStart: () => client.volumeStart("v", { force: true }),
  volumeStop: () => client.volumeStop("v"),
  volumeStatusAll: () => client.volumeStatusAll({ detail: true }),
  volumeAddBrick: () => client.volumeAddBrick("v", { bricks: ["h:/b"] }),
  volumeReplaceBrick: () => client.volumeReplaceBrick("v", { source: "h:/b", target: "h:/c" }),
  volumeResetBrick: () => client.volumeResetBrick("v", { source: "h:/b", action: "start" }),
  volumeRemoveBrick: () => client.volumeRemoveBrick("v", { bricks: ["h:/b"], action: "start" }),
  volumeRebalance: () => client.volumeRebalance("v", { action: "start" }),
  volumeProfile: () => client.volumeProfile("v", { action: "info", part: "clear", peek: true }),
  volumeTop: () => client.volumeTop("v", { clear: true }),
  volumeClearLocks: () =>
    client.volumeClearLocks("v", { path: "/f", which: "all", kind: "posix" }),
  volumeStatedump: () => client.volumeStatedump("v"),
  volumeLogRotate: () => client.volumeLogRotate("v", { brick: "h:/b" }),
  volumeHeal: () => client.volumeHeal("v", { full: true }),
  volumeHealInfo: () => client.volumeHealInfo("v", { view: "info" }),
  volumeHealSwitch: () => client.volumeHealSwitch("v", { what: "daemon", enable: false }),
  volumeHealStatistics: () => client.volumeHealStatistics("v"),
  volumeHealCount: () => client.volumeHealCount("v", { brick: "h:/b" }),
  volumeSplitBrain: () => client.volumeSplitBrain("v", { policy: "bigger-file", file: "/f" }),
  volumeBarrier: () => client.volumeBarrier("v", { enable: true }),
  volumeStatus: () => client.volumeStatus("v", { brick: "h:/b" }),
  volumeOptionGet: () => client.volumeOptionGet("v", { key: "all" }),
  volumeOptionSet: () => client.volumeOptionSet("v", { options: [{ name: "a", value: "b" }] }),
  volumeOptionReset: () => client.volumeOptionReset("v", { key: "a", force: true }),
  volumeOptionHelp: () => client.volumeOptionHelp(),
  snapshotList: () => client.snapshotList({ safety: true }),
  snapshotCreate: () => client.snapshotCreate({ name: "s", volume: "v", timestamp: false }),
  snapshotDelete: () => client.snapshotDelete("s"),
  snapshotDeleteMany: () => client.snapshotDeleteMany({ all: true }),
  snapshotInfo: () => client.snapshotInfo({ volume: "v" }),
  snapshotStatus: () => client.snapshotStatus(),
  snapshotActivate: () => client.snapshotActivate("s"),
  snapshotDeactivate: () => client.snapshotDeactivate("s"),
  snapshotReclaim: () => client.snapshotReclaim({ snapshots: ["s"] }),
  snapshotDiff: () => client.snapshotDiff({ from: "s", to: "live", ranges: true }),
  snapshotSpace: () => client.snapshotSpace({ volume: "v" }),
  commandPlan: () => client.commandPlan({ command: "snapshot delete", snapshot: "s" }),
  snapshotView: () => client.snapshotView("s", { open: true }),
  snapshotRestore: () => client.snapshotRestore("s", { safety: false }),
  snapshotClone: () => client.snapshotClone("s", { name: "c" }),
  snapshotConfigGet: () => client.snapshotConfigGet(),
  snapshotConfigSet: () => client.snapshotConfigSet({ hardLimit: 3 }),
  scheduleList: () => client.scheduleList({ name: "h" }),
  scheduleAdd: () => client.scheduleAdd({ name: "h", volumes: ["v"], keep: { hourly: 3 } }),
  scheduleEdit: () => client.scheduleEdit("h", { jitterMs: 5 }),
  scheduleDelete: () => client.scheduleDelete("h"),
  schedulePreview: () => client.schedulePreview("h", { keep: { daily: 2 } }),
  poolList: () => client.poolList(),
  snapshotFiles: () => client.snapshotFiles("s", { path: "/d" }),
  snapshotFileRestore: () => client.snapshotFileRestore("s", { path: "/d/f", replace: true }),
  scheduleSet: () => client.scheduleSet({ enabled: true }),
  scheduleRun: () => client.scheduleRun("h"),
  schedulePrune: () => client.schedulePrune({ dryRun: true }),
  snapshotSend: () => client.snapshotSend({ snapshot: "s", from: "r" }),
  bookmarkList: () => client.bookmarkList({ volume: "v" }),
  bookmarkBegin: () => client.bookmarkBegin({ snapshot: "s", name: "m" }),
  bookmarkFinish: () => client.bookmarkFinish("m", { id: uuid }),
  bookmarkDelete: () => client.bookmarkDelete("m"),
  receiveList: () => client.receiveList({ volume: "v" }),
  receiveBegin: () => client.receiveBegin({ volume: "v", header }),
  receiveProgress: () => client.receiveProgress("v", { id: uuid, place: { brick: 0, offset: 5 } }),
  receiveFinish: () => client.receiveFinish("v", { id: uuid }),
  receiveAbandon: () => client.receiveAbandon("v"),
  snapshotHold: () => client.snapshotHold("s", { owner: "o", reason: "r", untilMs: 7 }),
  snapshotRelease: () => client.snapshotRelease("s", { owner: "o" }),
  snapshotLock: () => client.snapshotLock("s", { untilMs: 7 }),
  snapshotUnlock: async () => {
    const login = await ownLogin();
    return await client.snapshotUnlock("s", { operator: login ?? "ann" });
  },
};
/** As the daemon sees this very process. */
async function ownLogin(): Promise<string | undefined> {
  const uid = (await loginUid(process.pid)) ?? process.getuid!();
  return uid === 0 ? undefined : userInfo({ encoding: "utf8" }).username;
}
type Answer2 = Awaited<ReturnType<MortarClient["call"]>>;

for (const name of Object.keys(routes) as RouteName[]) {
  test(`${name}: the client's call is served, and the answer is of its schema`, async () => {
    const answer = await calls[name]();
    assert.ok(answer.ok, JSON.stringify(answer));
    const schema = successOf(routes[name].result);
    const { result, warnings, details } = answer;
    assert.equal(firstMismatch(schema, { result, warnings, details }), undefined);
  });
}

test("arguments of path, query and body reach the command, converted where they were text", async () => {
  node.calls.length = 0;
  await client.volumeStatus("a/b c%2F$&", { detail: true });
  await client.volumeOptionReset("v", { key: "x.y", force: true });
  await client.snapshotClone("s", { name: "c" });
  assert.deepEqual(node.calls, [
    { name: "volumeStatus", args: { detail: true, volume: "a/b c%2F$&" } },
    { name: "volumeOptionReset", args: { key: "x.y", force: true, volume: "v" } },
    { name: "snapshotClone", args: { name: "c", snapshot: "s" } },
  ]);
});

test("what the pool of nodes refuses is a problem like any other", async () => {
  const detach = await client.peerDetach("h");
  assert.ok(!detach.ok && detach.problem.opErrstr === "h is localhost");
  assert.deepEqual([detach.problem.status, detach.problem.opErrno], [409, 7]);
  const accept = await client.peerAccept({ code: "none" });
  assert.ok(!accept.ok && /no request with the code none/.test(accept.problem.detail));
});

test("a refusal comes with stock's number and text, and with place and next step", async () => {
  node.answer = () => ({
    ok: false, code: "brick-refused", opErrno: 22, opErrstr: "stock says", warnings: ["w"],
    details: [{ node: "h", object: "h:/b", detail: "It is full.", nextStep: "Grow it" }],
  });
  const answer = await client.volumeStart("v");
  node.answer = undefined;
  assert.ok(!answer.ok);
  const { problem } = answer;
  assert.equal(problem.type, "brick-refused");
  assert.equal(problem.status, 409);
  assert.equal(problem.opErrno, 22);
  assert.equal(problem.opErrstr, "stock says");
  assert.equal(problem.object, "h:/b");
  assert.equal(problem.nextStep, "Grow it");
  assert.equal(problem.detail, "stock says It is full.");
  assert.deepEqual(problem.warnings, ["w"]);
});

test("what a volume group refuses comes with its own sentence", async () => {
  const answer = await client.nodeReclaimable({ lvs: [{ vg: "vg0", lv: "none" }] });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.status, 404);
  assert.equal(answer.problem.type, "lv-missing");
  assert.equal(answer.problem.detail, "Failed to find it");
});

test("a wait that was too long is stock's refusal, a surprise names the log", async () => {
  node.answer = () => {
    throw new LockTimeout("v");
  };
  const busy = await client.volumeStart("v");
  node.answer = () => {
    throw new TypeError("oops");
  };
  const surprise = await client.volumeStart("v");
  node.answer = undefined;
  assert.ok(!busy.ok && !surprise.ok);
  assert.equal(busy.problem.opErrno, 30802);
  assert.match(busy.problem.opErrstr, /^Another transaction is in progress for v\. /);
  assert.equal(surprise.problem.status, 500);
  assert.match(surprise.problem.nextStep ?? "", /\/the\/log/);
});

test("an answer that is not of its schema goes out as a problem", async () => {
  node.answer = () => ({ ok: true, payload: { name: 7 } as never, warnings: [], details: [] });
  const answer = await client.volumeStart("v");
  node.answer = undefined;
  assert.ok(!answer.ok);
  assert.equal(answer.problem.status, 500);
  assert.match(answer.problem.detail, /result\/id/);
});

for (const [what, method, url, payload, statusCode] of [
  ["an unknown route", "GET", "/v1/nothing", undefined, 404],
  ["a body that is not JSON", "POST", "/v1/volumes", "{", 400],
  ["a missing field", "POST", "/v1/volumes", '{"name":"v"}', 400],
  ["an unknown field", "POST", "/v1/volumes", '{"name":"v","bricks":["h:/b"],"x":1}', 400],
  ["a field of another type", "POST", "/v1/volumes", '{"name":"v","bricks":["h:/b"],"force":"yes"}', 400],
  ["no bricks", "POST", "/v1/volumes", '{"name":"v","bricks":[]}', 400],
  ["an unknown query", "GET", "/v1/snapshots?colour=red", undefined, 400],
  ["a query that is no boolean", "GET", "/v1/snapshots?safety=perhaps", undefined, 400],
  ["a name that is too long", "GET", `/v1/volumes/${"x".repeat(2000)}`, undefined, 400],
] as const) {
  test(`${what} is a problem with status ${statusCode}, and no command runs`, async () => {
    node.calls.length = 0;
    const answer = await server.inject({
      method, url, ...(payload === undefined ? {} : { payload }),
      headers: payload === undefined ? {} : { "content-type": "application/json" },
    });
    assert.equal(answer.statusCode, statusCode, answer.body);
    assert.match(String(answer.headers["content-type"]), /^application\/problem\+json/);
    assert.ok(conforms(Problem, answer.json()), answer.body);
    assert.deepEqual(node.calls, []);
  });
}

test("a body above the limit is refused before it is read", async () => {
  const answer = await server.inject({
    method: "POST", url: "/v1/volumes", payload: "x".repeat(17 * 1024 * 1024),
    headers: { "content-type": "application/json" },
  });
  assert.equal(answer.statusCode, 413);
  assert.ok(conforms(Problem, answer.json()));
});

test("an action needs no body", async () => {
  const answer = await server.inject({ method: "POST", url: "/v1/volumes/v/start" });
  assert.equal(answer.statusCode, 200);
});

test("a change that is sent again with its key is made once, and answered as before", async () => {
  node.calls.length = 0;
  const send = async (name: string, key: string) => await server.inject({
    method: "POST", url: "/v1/snapshots", headers: { "idempotency-key": key },
    payload: { name, volume: "v" },
  });
  const first = await send("s", "k1");
  const again = await send("s", "k1");
  assert.deepEqual([first.statusCode, again.statusCode, node.calls.length], [200, 200, 1]);
  assert.deepEqual([again.body, again.headers["idempotent-replayed"]], [first.body, "true"]);
  assert.equal((await send("t", "k1")).statusCode, 422);
  assert.equal((await send("t", "k".repeat(256))).statusCode, 400);
  assert.equal(node.calls.length, 1);
});

test("who does not wait is given a task, the same one for the same key, and its result later", async () => {
  const send = async () => await server.inject({
    method: "POST", url: "/v1/snapshots", payload: { name: "s", volume: "v" },
    headers: { prefer: "wait=5, respond-async", "idempotency-key": "k-task" },
  });
  const [first, again] = [await send(), await send()];
  const { id } = first.json<{ result: { id: string } }>().result;
  assert.deepEqual([first.statusCode, again.statusCode], [202, 202]);
  assert.deepEqual(
    [first.headers["location"], first.headers["preference-applied"]], [`/v1/tasks/${id}`, "respond-async"],
  );
  assert.equal(again.headers["location"], first.headers["location"]);
  const ended = await followTask(client, id, { lookMs: 5 });
  assert.ok(ended.ok && ended.result.state === "done");
  assert.deepEqual(ended.result.result, payloads.snapshotCreate);
  const late = await client.taskCancel(id);
  assert.deepEqual([late.ok, late.ok ? "" : late.problem.type], [false, "not-cancelled"]);
  const none = await client.taskInfo("none");
  assert.equal(none.ok ? 0 : none.problem.status, 404);
});

test("what goes on after its answer names the task that follows it", async () => {
  const answer = await server.inject({
    method: "POST", url: "/v1/volumes/goes-on/rebalance", payload: { action: "start" },
  });
  assert.equal(answer.statusCode, 200);
  const id = String(answer.headers["location"]).replace("/v1/tasks/", "");
  const task = await client.taskInfo(id);
  assert.deepEqual(task.ok && [task.result.object, task.result.canCancel], ["goes-on", true]);
});

test("lists are told in pages, which the client follows; what is no cursor is refused", async () => {
  payloads.volumeInfo = ["c", "a", "b"].map((name) => ({ ...info, name }));
  const names: string[] = [];
  for await (const { name } of client.each("volumeInfoAll", {}, 2)) names.push(name);
  assert.deepEqual(names, ["a", "b", "c"]);
  payloads.volumeInfo = [info];
  const refused = await client.snapshotList({ limit: 1, after: "bm9uZQ" });
  assert.equal(refused.ok ? 0 : refused.problem.status, 400);
  const told: number[] = [];
  for await (const { timeMs } of client.each("auditList", {}, 7)) told.push(timeMs);
  assert.ok(told.length > 20);
  assert.deepEqual(told, told.toSorted((a, b) => b - a));
});

test("OpenAPI 3.1 tells every route with its schemas", async () => {
  const answer = await server.inject({ method: "GET", url: "/v1/openapi.json" });
  const document = answer.json<{
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; responses: object }>>;
  }>();
  assert.equal(document.openapi, "3.1.0");
  for (const [name, route] of Object.entries(routes)) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    const operation = document.paths[path]?.[route.method.toLowerCase()];
    assert.equal(operation?.operationId, name);
    const accepted = mayBeTask(name) ? ["202"] : [];
    assert.deepEqual(Object.keys(operation.responses), ["200", ...accepted, "default"]);
  }
});

test("the socket is for its owner only", () => {
  assert.equal(statSync(socketPath).mode & 0o777, 0o600);
});

test("no daemon, a stale socket, silence and nonsense each have their own error", async () => {
  const missing = new MortarClient({ socketPath: join(directory, "none.sock") });
  await assert.rejects(missing.nodeStatus(), (error) => is(error, "connection-failed"));
  const path = join(directory, "odd.sock");
  const odd = createServer((request, response) => {
    if (request.url === "/v1/node") return;
    response.end(request.url === "/v1/peers" ? "not JSON" : '{"result":1,"warnings":[],"details":[]}');
  });
  await new Promise<void>((resolve) => odd.listen(path, resolve));
  const impatient = new MortarClient({ socketPath: path, timeoutMs: 50 });
  await assert.rejects(impatient.nodeStatus(), (error) => is(error, "timed-out"));
  const patient = new MortarClient({ socketPath: path });
  await assert.rejects(patient.peerList(), (error) => is(error, "bad-answer"));
  await assert.rejects(patient.volumeInfoAll(), (error) => is(error, "bad-answer"));
  odd.closeAllConnections();
  await new Promise((resolve) => odd.close(resolve));
});

function is(error: unknown, code: ApiError["code"]): boolean {
  return error instanceof ApiError && error.code === code;
}

test("data of snapshots goes out and comes in as it is, and a refusal has its words", async () => {
  const transfer = new TransferClient(socketPath);
  const place = { node: uuid, vg: "vg0", brick: 0, offset: 0, sizeBytes: 9 };
  const asked = { ...place, pool: "p", lv: "a", level: 1 };
  let text = "";
  for await (const part of await transfer.read(asked)) text += String(part);
  assert.equal(text, "frames of a");
  await assert.rejects(transfer.read({ ...asked, lv: "none" }), /no snapshot's/);
  await assert.rejects(transfer.read({ ...asked, vg: "../vg" }), /request is wrong/);
  const writing = transfer.write({ ...place, lv: "b", kind: "full" });
  const lines: number[] = [];
  await writing.write(Buffer.from("first"));
  for await (const { durable } of writing.lines) {
    lines.push(durable);
    await writing.write(Buffer.from("last"));
  }
  assert.deepEqual([lines, transferred], [[1, 2], ["b first", "b last"]]);
  writing.end();
});
