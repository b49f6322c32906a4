/** The kernel is asked the same questions: it sets, checks, changes and inherits the ACLs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { Random } from "@mortar/sim";
import {
  ACL_TAG, encodeAcl, inheritAcl, modeWithAcl, parseAcl, permits, WANT,
} from "./index.ts";
import type { Acl } from "./index.ts";

interface Caller { uid: number; gid: number; groups: number[] }

interface Case {
  uid: number; gid: number; mode: number; acl: string; isDirectory: boolean; callers: Caller[];
  childMode: number;
}

interface Answer {
  accepted: boolean; mode: number; read: boolean[]; write: boolean[]; execute: boolean[];
  childMode: number; childAcl: string | null;
}

/** Runs as root in a process of its own, as every caller in turn. */
const ORACLE = `
import fs from "node:fs";
import { spawnSync } from "node:child_process";
const key = { access: "system.posix_acl_access", default: "system.posix_acl_default" };
const set = (kind, path, hex) =>
  spawnSync("setfattr", ["-n", key[kind], "-v", "0x" + hex, path]).status === 0;
const get = (path) => {
  const { stdout } = spawnSync("getfattr", ["-e", "hex", "-n", key.access, path]);
  return /=0x([0-9a-f]*)/.exec(stdout.toString())?.[1] ?? null;
};
const tries = (act) => { try { act(); return true; } catch (error) {
  if (error.code === "EACCES") return false; throw error; } };
process.chdir(process.argv[1]);
process.umask(0o077);
const answers = JSON.parse(fs.readFileSync(0)).map((one, index) => {
  const path = "o" + index;
  if (one.isDirectory) { fs.mkdirSync(path); fs.writeFileSync(path + "/child", ""); }
  else fs.writeFileSync(path, "");
  fs.chownSync(path, one.uid, one.gid);
  fs.chmodSync(path, one.mode);
  const accepted = set("access", path, one.acl);
  const answer = { accepted, mode: fs.statSync(path).mode, read: [], write: [], execute: [] };
  for (const { uid, gid, groups } of one.callers) {
    process.setgroups(groups); process.setegid(gid); process.seteuid(uid);
    const open = (flags) => () => fs.closeSync(fs.openSync(path, flags));
    if (one.isDirectory) {
      answer.read.push(tries(() => fs.readdirSync(path)));
      answer.execute.push(tries(() => fs.statSync(path + "/child")));
      answer.write.push(tries(() => { fs.mkdirSync(path + "/new"); fs.rmdirSync(path + "/new"); }));
    } else {
      answer.read.push(tries(open("r")));
      answer.write.push(tries(open("r+")));
      answer.execute.push(false);
    }
    process.seteuid(0); process.setegid(0); process.setgroups([]);
  }
  answer.childMode = 0; answer.childAcl = null;
  if (one.isDirectory && set("default", path, one.acl)) {
    fs.closeSync(fs.openSync(path + "/heir", "wx", one.childMode));
    answer.childMode = fs.statSync(path + "/heir").mode;
    answer.childAcl = get(path + "/heir");
  }
  return answer;
});
process.stdout.write(JSON.stringify(answers));
`;

const UIDS = [1001, 1002, 1003];
const GIDS = [2001, 2002, 2003];

function randomAcl(random: Random): Uint8Array {
  const entries: [number, number, number][] = [[ACL_TAG.owner, random.below(8), 0xffff_ffff]];
  const users = random.below(3);
  const groups = random.below(3);
  for (let user = 0; user < users; user++) {
    entries.push([ACL_TAG.user, random.below(8), UIDS[user]!]);
  }
  entries.push([ACL_TAG.group, random.below(8), 0xffff_ffff]);
  for (let group = 0; group < groups; group++) {
    entries.push([ACL_TAG.namedGroup, random.below(8), GIDS[group]!]);
  }
  if (users + groups > 0 || random.chance(0.2)) {
    entries.push([ACL_TAG.mask, random.below(8), 0xffff_ffff]);
  }
  entries.push([ACL_TAG.other, random.below(8), 0xffff_ffff]);
  if (random.chance(0.15)) entries.splice(random.below(entries.length), 1);
  if (random.chance(0.1)) entries.reverse();
  if (random.chance(0.1)) {
    random.pick(entries)[random.below(3)] = random.pick([0, 3, 8, 0x40, 0xffff]);
  }
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(random.chance(0.05) ? 1 : 2, 0);
  for (const [index, [tag, permission, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * index);
    bytes.writeUInt16LE(permission, 6 + 8 * index);
    bytes.writeUInt32LE(id, 8 + 8 * index);
  }
  return bytes;
}

function randomCase(random: Random): Case {
  return {
    uid: random.pick(UIDS), gid: random.pick(GIDS), mode: random.below(0o1000),
    acl: Buffer.from(randomAcl(random)).toString("hex"), isDirectory: random.chance(0.5),
    childMode: random.below(0o1000),
    callers: Array.from({ length: 6 }, () => ({
      uid: random.pick([...UIDS, 1009]), gid: random.pick([...GIDS, 2009]),
      groups: GIDS.filter(() => random.chance(0.3)),
    })),
  };
}

/** Tags and permissions: the kernel gives ids back only where they mean something. */
function shape(acl: Acl | undefined): unknown {
  return acl && { tags: [...acl.tags], permissions: [...acl.permissions], mask: acl.mask };
}

function expected(acl: Acl): unknown {
  return acl.tags.length === 3 ? undefined : shape(acl);
}

function check(one: Case, answer: Answer): void {
  const bytes = Buffer.from(one.acl, "hex");
  const acl = parseAcl(bytes);
  assert.equal(acl !== undefined, answer.accepted, "which bytes are an ACL");
  if (acl !== undefined) {
    assert.deepEqual([...encodeAcl(acl)], [...bytes]);
    assert.equal(modeWithAcl(one.mode, acl), answer.mode & 0o7777, "the mode that an ACL makes");
  }
  const object = { uid: one.uid, gid: one.gid, mode: answer.mode, acl };
  for (const [index, { uid, gid, groups }] of one.callers.entries()) {
    const caller = { uid, gid, groups, groupCount: groups.length };
    const compare = (want: number, kernel: boolean | undefined, what: string): void => {
      const granted = permits(caller, object, want);
      // With a mask of nothing Linux does not look at the ACL, and its named users and groups get
      // what everybody gets. POSIX.1e, and stock's brick, give them nothing.
      if (acl?.mask === 0 && !granted) return;
      assert.equal(granted, kernel, what);
    };
    compare(WANT.read, answer.read[index], "reading");
    if (one.isDirectory) {
      compare(WANT.execute, answer.execute[index], "passing through");
      compare(WANT.write | WANT.execute, answer.write[index], "changing a directory");
    } else {
      compare(WANT.read | WANT.write, answer.write[index], "reading and writing");
    }
  }
  if (acl === undefined) return;
  const parsed = (hex: string | null): unknown =>
    hex === null ? undefined : shape(parseAcl(Buffer.from(hex, "hex")));
  if (!one.isDirectory) return;
  const heir = inheritAcl(acl, one.childMode);
  assert.equal(heir.mode, answer.childMode & 0o7777, "the mode of an heir");
  assert.deepEqual(parsed(answer.childAcl), expected(heir.access), "the ACL of an heir");
}

const isRoot = process.getuid?.() === 0;

test("permissions, ACLs, chmod and inheritance are decided as the kernel decides them", {
  skip: isRoot ? false : "needs root, to act as other users",
}, () => {
  const directory = mkdtempSync(join(tmpdir(), `brick-services-acl-${process.pid}-`));
  try {
    chmodSync(directory, 0o711);
    const random = new Random(4);
    const cases = Array.from({ length: 60 }, () => randomCase(random));
    const oracle = spawnSync(process.execPath, ["--input-type=module", "-e", ORACLE, directory], {
      input: JSON.stringify(cases), timeout: 60_000,
    });
    assert.equal(oracle.status, 0, oracle.stderr.toString());
    const answers = JSON.parse(oracle.stdout.toString()) as Answer[];
    assert.ok(answers.filter((answer) => answer.accepted).length > 20);
    assert.ok(answers.some((answer) => !answer.accepted));
    for (const [index, answer] of answers.entries()) {
      try {
        check(cases[index]!, answer);
      } catch (error) {
        const seen = JSON.stringify([cases[index], answer]);
        throw new Error(`case ${index}: ${seen}: ${String(error)}`, { cause: error });
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
