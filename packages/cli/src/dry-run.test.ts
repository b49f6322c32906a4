/**
 * Every command is in one of three lists: what takes something away has a dry run, which asks for the
 * plan and for nothing else, or is named as having none. A new command that is in no list fails here.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MortarClient } from "@mortar/api";
import type { ClientMethod } from "./gluster/command.ts";
import { glusterCommands } from "./gluster/commands.ts";
import { runGluster } from "./gluster/run-gluster.ts";
import { lvmToolHelp, lvmTools } from "./lvm/index.ts";
import { dryRunOption } from "./lvm/removal-plan.ts";
import { poolVerbs } from "./pool/pool-verbs.ts";
import { ownVerbs, verbs } from "./node/verbs.ts";
import { recorder } from "./testing/recorder.ts";

/** Each form of a command that takes something away, and what its dry run may ask. */
const DESTRUCTIVE: Readonly<Record<string, Partial<Record<ClientMethod, object>>>> = {
  "peer detach n2": { commandPlan: { command: "peer detach", host: "n2" } },
  "peer detach n2 force": { commandPlan: { command: "peer detach", host: "n2", action: "force" } },
  "volume stop v": { commandPlan: { command: "volume stop", volume: "v" } },
  "volume delete v": { commandPlan: { command: "volume delete", volume: "v" } },
  ...removals("start"), ...removals("stop"), ...removals("commit"), ...removals("force"),
  "volume replace-brick v a:/1 a:/2 commit force": {
    commandPlan: { command: "volume replace-brick", volume: "v", bricks: ["a:/1", "a:/2"] },
  },
  "volume reset-brick v a:/1 start": {
    commandPlan: { command: "volume reset-brick", volume: "v", bricks: ["a:/1"], action: "start" },
  },
  "volume reset-brick v a:/1 a:/1 commit": {
    commandPlan: {
      command: "volume reset-brick", volume: "v", bricks: ["a:/1", "a:/1"], action: "commit",
    },
  },
  "snapshot config auto-delete enable": {
    commandPlan: { command: "snapshot config", autoDelete: "enable" },
  },
  "snapshot config v snap-max-hard-limit 3": {
    commandPlan: { command: "snapshot config", volume: "v", hardLimit: 3 },
  },
  "snapshot deactivate s": { commandPlan: { command: "snapshot deactivate", snapshot: "s" } },
  "snapshot delete s": { commandPlan: { command: "snapshot delete", snapshot: "s" } },
  "snapshot delete all": { commandPlan: { command: "snapshot delete", all: true } },
  "snapshot delete volume v": { commandPlan: { command: "snapshot delete", volume: "v" } },
  "snapshot restore s": {
    commandPlan: { command: "snapshot restore", snapshot: "s", safety: true, online: false },
  },
  "snapshot restore-file s /f": {
    snapshotFileRestore: { path: "/f", dryRun: true },
  },
  "snapshot schedule delete n": {
    commandPlan: { command: "snapshot schedule delete", name: "n" },
  },
  "snapshot schedule run n": { scheduleList: { name: "n" } },
  "snapshot prune": { schedulePrune: { dryRun: true } },
  "snapshot bookmark delete b": { commandPlan: { command: "snapshot bookmark", name: "b" } },
};

function removals(action: string): typeof DESTRUCTIVE {
  const plan = { command: "volume remove-brick", volume: "v", bricks: ["a:/1"], action };
  return { [`volume remove-brick v a:/1 ${action}`]: { commandPlan: plan } };
}

/** They add, tell, or switch; or end what is not data: a mount, a token, a hold. */
const HARMLESS = `
peer probe, peer status, peer help, pool list, peer token, peer accept, peer recover,
volume barrier, volume log, volume profile, volume statedump, volume clear-locks,
volume top, volume add-brick, volume rebalance, volume create, volume get, volume help, volume info,
volume list, volume reset, volume set, volume start, volume status, snapshot activate,
snapshot clone, snapshot create, snapshot diff, snapshot help, snapshot info, snapshot list,
snapshot reclaim, snapshot status, snapshot ls, snapshot cat, snapshot schedule add,
snapshot schedule edit, snapshot schedule list, snapshot schedule status, snapshot schedule init,
snapshot schedule enable, snapshot schedule disable, snapshot hold, snapshot release,
snapshot lock, snapshot unlock, snapshot send, system:: getwd, system:: uuid get,
system:: help, help, global help, volume bitrot help, volume quota help`.trim().split(/,\s+/);

/** They take something away, some with certain words only, and have no dry run. docs/SNAPSHOTS.md names them. */
const WITHOUT = ["peer leave", "volume heal", "snapshot receive"];
const LVM_WITHOUT = ["vgcfgrestore"];

const LVM_DESTRUCTIVE = [
  "lvconvert", "lvreduce", "lvremove", "lvresize", "pvremove", "vgreduce", "vgremove",
];
const LVM_HARMLESS = `lvchange lvcreate lvdisplay lvextend lvrename lvscan lvs pvchange
pvcreate pvdisplay pvs pvscan vgcfgbackup vgchange vgck vgcreate vgdisplay vgexport
vgextend vgimport vgrename vgs vgscan`.split(/\s+/);

const VERBS_DESTRUCTIVE = ["brick", "uninstall"];
const VERBS_HARMLESS = `up down status events top token webhook audit install upgrade aliases dev
doctor node nbd completion manual help`.split(/\s+/);

const POOL_DESTRUCTIVE = ["restore", "repair"];
const POOL_HARMLESS = ["check", "dump", "delta", "ls", "reclaim", "rmap"];

test("each command takes something away or does not, and is in the list that says so", () => {
  const named = glusterCommands.filter((it) => it.run !== undefined).map((it) => it.words.join(" "));
  const destructive = (name: string): boolean =>
    Object.keys(DESTRUCTIVE).some((line) => `${line} `.startsWith(`${name} `));
  for (const name of named) {
    const lists = [destructive(name), HARMLESS.includes(name), WITHOUT.includes(name)];
    assert.equal(lists.filter(Boolean).length, 1, name);
  }
  assert.deepEqual(
    [...LVM_DESTRUCTIVE, ...LVM_HARMLESS, ...LVM_WITHOUT].toSorted(), lvmTools.toSorted(),
  );
  assert.deepEqual([...VERBS_DESTRUCTIVE, ...VERBS_HARMLESS].toSorted(), ownVerbs.toSorted());
  assert.deepEqual(
    [...POOL_DESTRUCTIVE, ...POOL_HARMLESS].toSorted(), Object.keys(poolVerbs).toSorted(),
  );
});

for (const [line, expected] of Object.entries(DESTRUCTIVE)) {
  test(`a dry run asks for the plan and for nothing else: ${line}`, async () => {
    const asked: [method: string, body: object][] = [];
    const io = recorder("");
    const context = { root: "/nonexistent", strict: false, client: recording(asked) };
    await runGluster([...line.split(" "), "--dry-run"], io, context);
    const [[method, body] = ["", {}], ...more] = asked;
    assert.deepEqual(more, [], io.marked());
    assert.deepEqual({ [method]: body }, expected, io.marked());
  });
}

test("what has no dry run refuses the option, and does nothing", async () => {
  for (const name of [...HARMLESS, ...WITHOUT].filter((it) => !it.endsWith("help") && !it.startsWith("system"))) {
    const asked: [method: string, body: object][] = [];
    const io = recorder("");
    const context = { root: "/nonexistent", strict: false, client: recording(asked) };
    const code = await runGluster([...name.split(" "), "v", "--dry-run"], io, context);
    assert.equal(code, 1, name);
    assert.deepEqual(asked, [], name);
  }
});

test("LVM's tools that take something away have the option, and the others have not", () => {
  for (const tool of lvmTools) {
    const has = lvmToolHelp(tool)!.options.includes(dryRunOption);
    assert.equal(has, LVM_DESTRUCTIVE.includes(tool), tool);
  }
});

test("so do Mortar's own verbs", () => {
  for (const verb of VERBS_DESTRUCTIVE) assert.match(verbs[verb]!.usage, /--dry-run/);
  for (const verb of POOL_DESTRUCTIVE) assert.match(poolVerbs[verb]!.usage, /--dry-run/);
});

/** A daemon that writes down what it is asked, and refuses it. The last argument is the body. */
function recording(asked: [string, object][]): Pick<MortarClient, ClientMethod> {
  const problem = {
    type: "refused", title: "Refused", status: 409, detail: "no", opErrno: 1, opErrstr: "no",
    details: [], warnings: [],
  };
  return new Proxy({} as Pick<MortarClient, ClientMethod>, {
    get: (_, method) =>
      method === "then"
        ? undefined
        : async (...args: object[]) => {
            asked.push([String(method), args.at(-1) ?? {}]);
            return { ok: false, problem };
          },
  });
}
