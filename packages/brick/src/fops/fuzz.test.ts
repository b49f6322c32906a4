// A client may send anything: each request is answered, or refused as malformed; the brick goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fops, GlusterError, NO_DICTIONARY, NO_IATT, typed } from "@mortar/gluster";
import {
  gfidOf, InProcessBrick, inProcessSkip, NONE, ROOT, wanted,
} from "../in-process.fixture.ts";
import { Malformed } from "../wire/call.ts";

/** xorshift32: the same bytes in every run. */
class Dice {
  #state = 0x1234_5678;
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}

const FILE = gfidOf(1);
const DIRECTORY = gfidOf(3);
const name = Buffer.from("file");
const xdata = new Map([
  ["glusterfs.content", typed.uint(65_536)], ["list-xattr", typed.int(1)],
  ["trusted.glusterfs.mdata", typed.int(1)], ["user.odd", typed.bytes(new Uint8Array(9))],
  ["gfid-req", typed.gfid(gfidOf(7))],
]);

/** Valid requests, to be bent. Descriptor 0 is a file, 1 a directory. */
function requests(): readonly (readonly [number, Uint8Array])[] {
  const lookupArgs = { gfid: NONE, parent: ROOT, flags: 0, name, xdata };
  const at = { gfid: FILE, fd: 0 };
  return [
    [27, fops.lookup.encodeRequest(lookupArgs)],
    [1, fops.stat.encodeRequest({ gfid: FILE, xdata })],
    [12, fops.read.encodeRequest({ ...at, offset: 0, size: 4096, flag: 0, xdata })],
    [13, fops.write.encodeRequest({
      ...at, offset: 5, size: 6, flag: 0, xdata, payload: Buffer.from("abcdef"),
    })],
    [23, fops.create.encodeRequest({
      parent: DIRECTORY, flags: 0o102, mode: 0o644, umask: 0, name, xdata: wanted(gfidOf(8)),
    })],
    [40, fops.readdirp.encodeRequest({
      gfid: DIRECTORY, fd: 1, offset: { high: 0, low: 0 }, size: 4096, xdata,
    })],
    [38, fops.setattr.encodeRequest({ gfid: FILE, stat: NO_IATT, valid: 1, xdata })],
    [8, fops.rename.encodeRequest({
      oldParent: ROOT, newParent: ROOT, oldName: name, newName: Buffer.from("other"), xdata,
    })],
    [4, fops.mkdir.encodeRequest({
      parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from("d"), xdata: wanted(gfidOf(11)),
    })],
    [5, fops.unlink.encodeRequest({ parent: ROOT, name, flags: 0, xdata })],
    [17, fops.setxattr.encodeRequest({ gfid: FILE, flags: 0, dictionary: xdata, xdata })],
    [18, fops.getxattr.encodeRequest({ gfid: FILE, nameLength: 4, name, xdata: NO_DICTIONARY })],
    [7, fops.symlink.encodeRequest({
      parent: ROOT, name: Buffer.from("s"), umask: 0, target: name, xdata: wanted(gfidOf(12)),
    })],
    [26, fops.lk.encodeRequest({
      ...at, command: 1, type: 1, xdata,
      flock: {
        type: 1, whence: 0, start: { high: 0, low: 0 }, length: { high: 0, low: 9 }, pid: 1,
        lockOwner: new Uint8Array(8),
      },
    })],
  ];
}

function prepare(): InProcessBrick {
  const brick = new InProcessBrick();
  process.umask(0);
  brick.create(ROOT, "file", FILE);
  brick.mkdir(ROOT, "dir", DIRECTORY);
  brick.ask(fops.opendir, { gfid: DIRECTORY, xdata: NO_DICTIONARY });
  return brick;
}

function survives(brick: InProcessBrick, procedure: number, args: Uint8Array): boolean {
  try {
    const result = brick.askRaw(procedure, args);
    assert.ok(procedure === 0 || result.length >= 8);
    return true;
  } catch (error) {
    assert.ok(error instanceof Malformed || error instanceof GlusterError ||
      /^status -[12]$/.test((error as Error).message), String((error as Error).stack));
    return false;
  }
}

test("requests cut at every length are refused or answered", inProcessSkip, () => {
  const brick = prepare();
  try {
    for (const [procedure, args] of requests()) {
      // Behind the names and numbers there is the dictionary, which no request may lack.
      for (let length = 0; length < args.length - 4; length += 4) {
        survives(brick, procedure, args.subarray(0, length));
      }
    }
    assert.equal(brick.lookup(ROOT, "dir").opRet, 0);
  } finally {
    brick.remove();
  }
});

test("requests changed at random are refused or answered", inProcessSkip, () => {
  const brick = prepare();
  const dice = new Dice();
  const words = [0, 1, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000, 5, 255, 256, 65_536];
  try {
    const all = requests();
    let answered = 0;
    for (let round = 0; round < 6000; round++) {
      const [procedure, args] = all[dice.below(all.length)]!;
      const bent = Uint8Array.from(args);
      const view = new DataView(bent.buffer);
      for (let change = dice.below(4); change >= 0; change--) {
        const at = dice.below(bent.length / 4 - 1) * 4;
        if (dice.below(2) === 0) view.setUint32(at, words[dice.below(words.length)]!, false);
        else bent[at + dice.below(4)] = dice.below(256);
      }
      if (survives(brick, dice.below(8) === 0 ? dice.below(55) : procedure, bent)) answered++;
    }
    assert.ok(answered > 500, `${answered} were answered`);
    assert.equal(brick.stat(ROOT).opRet, 0);
  } finally {
    brick.remove();
  }
});

test("names of the wire never leave the brick", inProcessSkip, () => {
  const brick = prepare();
  try {
    for (const evil of ["..", ".", "a/b", "../../etc", "", "a\0b", ".glusterfs", "n".repeat(256)]) {
      const bytes = Buffer.from(evil);
      const reply = brick.ask(fops.mkdir, {
        parent: ROOT, mode: 0o755, umask: 0, name: bytes, xdata: wanted(gfidOf(20)),
      });
      assert.equal(reply.opRet, -1, JSON.stringify(evil));
      // Without a name it is asked for by gfid; "." is the directory itself.
      if (evil === "" || evil === ".") continue;
      const found = brick.ask(fops.lookup, {
        gfid: NONE, parent: ROOT, flags: 0, name: bytes, xdata: NO_DICTIONARY,
      });
      assert.equal(found.opRet, -1, JSON.stringify(evil));
    }
  } finally {
    brick.remove();
  }
});

test("a symbolic link that looks like a directory's handle is none", inProcessSkip, () => {
  const brick = prepare();
  const link = gfidOf(30);
  const target = "../../00/00/00000000-0000-0000-0000-000000000001/dir";
  try {
    const made = brick.ask(fops.symlink, {
      parent: ROOT, name: Buffer.from("trap"), umask: 0, target: Buffer.from(target),
      xdata: wanted(link),
    });
    assert.equal(made.opRet, 0);
    brick.restart();
    const reply = brick.lookup(link, "anything");
    assert.deepEqual([reply.opRet, reply.opErrno], [-1, 1]);
    const opened = brick.ask(fops.open, { gfid: link, flags: 0, xdata: NO_DICTIONARY });
    assert.deepEqual([opened.opRet, opened.opErrno], [-1, 40]);
  } finally {
    brick.remove();
  }
});

test("devices and pipes are never opened", inProcessSkip, () => {
  const brick = prepare();
  const pipe = gfidOf(31);
  try {
    brick.ask(fops.mknod, {
      parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o010644, umask: 0, name: Buffer.from("pipe"),
      xdata: wanted(pipe),
    });
    for (const restarted of [false, true]) {
      if (restarted) brick.restart();
      const opened = brick.ask(fops.open, { gfid: pipe, flags: 0, xdata: NO_DICTIONARY });
      assert.deepEqual([opened.opRet, opened.opErrno], [-1, 6]);
    }
  } finally {
    brick.remove();
  }
});
