import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE_BYTES, REPLY_POSITION, REQUEST_POSITION } from "./channel.ts";
import type { FuseChannel } from "./channel.ts";
import { Errno } from "./errno.ts";
import { ELSEWHERE, PARKED } from "./flat-files.ts";
import type { FlatFiles } from "./flat-files.ts";
import { markDone } from "./lane.ts";
import {
  fallocateIn,
  inHeader,
  initOut,
  layoutsInOrder,
  Notify,
  Opcode,
  openIn,
  openOut,
  outHeader,
  releaseIn,
  retrieveOut,
  setattrIn,
  transferIn,
} from "./layouts.ts";
import type { Negotiated } from "./negotiation.ts";
import { wake } from "./notification.ts";
import { WAKE_NAME } from "./node-answers.ts";
import { FuseSession } from "./session.ts";

const MAX = 64 * 1024;
const FILE = 21;
const SIZE = 1 << 20;

/** What Linux 6.18 sends first, as read from /dev/fuse. */
const INIT_OF_LINUX_6_18 =
  "680000001a0000000200000000000000000000000000000000000000000000000000000000000000" +
  "070000002d00000000000200fbffff73fd050000".padEnd(128, "0");

/** A peer that holds the kernel's end: requests are handed out once, replies are kept. */
class ScriptedKernel implements FuseChannel {
  readonly request = new Uint8Array(PAGE_BYTES + MAX);
  readonly reply = new Uint8Array(PAGE_BYTES + MAX);
  readonly replies: Buffer[] = [];
  next: Uint8Array | number = -Errno.ENODEV;
  sendResult = 0;

  receive(position: number): number {
    const { next } = this;
    this.next = -Errno.ENODEV;
    if (typeof next === "number") return next;
    this.request.set(next, position);
    return next.length;
  }

  send(position: number, length: number): number {
    this.replies.push(Buffer.from(this.reply.subarray(position, position + length)));
    return this.sendResult < 0 ? this.sendResult : length;
  }
}

/** Notes every call; transfers move recognisable bytes. */
class NotedFiles implements FlatFiles {
  readonly calls: string[] = [];
  written = new Uint8Array(0);
  find(name: string): number {
    return name === "lv" ? FILE : 0;
  }
  list(): { name: string; node: number }[] {
    return [{ name: "lv", node: FILE }];
  }
  describe(node: number): { sizeBytes: number; mode: number } | undefined {
    return node === FILE ? { sizeBytes: SIZE, mode: 0o100_600 } : undefined;
  }
  open(node: number, writes: boolean, handle: number): number {
    this.calls.push(`open ${node} ${writes} ${handle}`);
    return 0;
  }
  release(node: number, handle: number): void {
    this.calls.push(`release ${node} ${handle}`);
  }
  read(node: number, offset: number, target: Uint8Array): number {
    this.calls.push(`read ${node} ${offset} ${target.length} at ${target.byteOffset}`);
    target.fill(0xab);
    return 0;
  }
  write(node: number, offset: number, source: Uint8Array): number {
    this.calls.push(`write ${node} ${offset} ${source.length} at ${source.byteOffset}`);
    this.written = Uint8Array.from(source);
    return 0;
  }
  flush(node: number): number {
    this.calls.push(`flush ${node}`);
    return Errno.EIO;
  }
  discard(node: number, offset: number, lengthBytes: number): number {
    this.calls.push(`discard ${node} ${offset} ${lengthBytes}`);
    return 0;
  }
  zero(node: number, offset: number, lengthBytes: number): number {
    this.calls.push(`zero ${node} ${offset} ${lengthBytes}`);
    throw new Error("full");
  }
  errnoOf(error: unknown): number {
    assert.equal((error as Error).message, "full");
    return Errno.ENOSPC;
  }
}

function setUp(negotiated?: Negotiated): {
  kernel: ScriptedKernel;
  files: NotedFiles;
  session: FuseSession;
} {
  const kernel = new ScriptedKernel();
  const files = new NotedFiles();
  const options = { maxWriteBytes: MAX, maxBackground: 256, ...(negotiated && { negotiated }) };
  return { kernel, files, session: new FuseSession([kernel], files, options) };
}

function request(
  opcode: number,
  node: number,
  content: Uint8Array,
  unique: [low: number, high: number] = [2, 0],
): Buffer {
  const bytes = Buffer.alloc(inHeader.size + content.length);
  inHeader.encode(viewOf(bytes), 0, {
    length: bytes.length,
    opcode,
    uniqueLow: unique[0],
    uniqueHigh: unique[1],
    node,
    uid: 0,
    gid: 0,
    pid: 1,
    extensionLength: 0,
    padding: 0,
  });
  bytes.set(content, inHeader.size);
  return bytes;
}

function body(
  size: number,
  encode: (view: DataView) => void,
  more: Uint8Array = new Uint8Array(0),
): Buffer {
  const bytes = Buffer.alloc(size + more.length);
  encode(viewOf(bytes));
  bytes.set(more, size);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const NO_OWNER = new Uint8Array(8);
const transfer = (offset: number, size: number, data?: Uint8Array): Buffer =>
  body(
    transferIn.size,
    (view) =>
      transferIn.encode(view, 0, {
        handle: 0,
        offset,
        size,
        transferFlags: 0,
        lockOwner: NO_OWNER,
        flags: 0,
        padding: 0,
      }),
    data,
  );
const fallocate = (offset: number, length: number, mode: number): Buffer =>
  body(fallocateIn.size, (view) =>
    fallocateIn.encode(view, 0, { handle: 0, offset, length, mode, padding: 0 }),
  );
const name = (text: string): Buffer => Buffer.from(`${text}\0`);

/** Serve one request and take the reply apart. */
function serve(
  peers: ReturnType<typeof setUp>,
  bytes: Uint8Array,
): { error: number; unique: number[]; body: Buffer } {
  peers.kernel.next = bytes;
  assert.equal(peers.session.serveOne(), "served");
  const reply = peers.kernel.replies.at(-1)!;
  const header = outHeader.decode(viewOf(reply), 0);
  assert.equal(header.length, reply.length);
  return {
    error: Math.abs(header.error),
    unique: [header.uniqueLow, header.uniqueHigh],
    body: reply.subarray(outHeader.size),
  };
}

test("the layouts have the sizes and offsets of linux/fuse.h", () => {
  const expected = [40, 16, 64, 64, 88, 40, 16, 88, 8, 16, 24, 40, 8, 32, 80, 24, 32];
  assert.deepEqual(
    layoutsInOrder.map((layout) => layout.size),
    expected,
  );
  assert.equal(initOut.field.flags2.offset, 32);
  assert.equal(inHeader.field.node.offset, 16);
});

test("FUSE_INIT of a real kernel is answered byte for byte as before", () => {
  const peers = setUp();
  const reply = serve(peers, Buffer.from(INIT_OF_LINUX_6_18, "hex"));
  assert.equal(
    reply.body.toString("hex"),
    "070000002800000000000200218044400001c0000000010001000000100000008".padEnd(
      initOut.size * 2,
      "0",
    ),
  );
  assert.deepEqual(peers.session.negotiated, { minor: 40, maxWriteBytes: MAX, resends: true });
});

test("a kernel that is too old is refused with its version", () => {
  const peers = setUp();
  const bytes = Buffer.from(INIT_OF_LINUX_6_18, "hex");
  bytes.writeUInt32LE(26, inHeader.size + 4);
  peers.files.errnoOf = (error) => {
    assert.match((error as Error).message, /7\.26; 7\.28/);
    return Errno.EIO;
  };
  assert.equal(serve(peers, bytes).error, Errno.EIO);
});

test("data lies on a page boundary in both directions, and nothing is copied", () => {
  const peers = setUp();
  const read = serve(peers, request(Opcode.read, FILE, transfer(8192, 4096)));
  assert.deepEqual([read.error, read.body.length, read.body[4095]], [0, 4096, 0xab]);
  const data = new Uint8Array(5000).fill(7);
  const write = serve(peers, request(Opcode.write, FILE, transfer(512, 5000, data)));
  assert.deepEqual([write.error, write.body.readUInt32LE(0)], [0, 5000]);
  assert.deepEqual(peers.files.calls, ["read 21 8192 4096 at 4096", "write 21 512 5000 at 4096"]);
  assert.deepEqual(peers.files.written, data);
});

test("a reply carries the raw number of its request, the mark of a resent one included", () => {
  const unique: [number, number] = [0xffff_fffe, 0x8000_0001];
  assert.deepEqual(
    serve(setUp(), request(Opcode.read, FILE, transfer(0, 512), unique)).unique,
    unique,
  );
});

test("an OPEN that is sent again is the same open file", () => {
  const peers = setUp();
  const flags = body(openIn.size, (view) => openIn.encode(view, 0, { flags: 2, openFlags: 0 }));
  const first = serve(peers, request(Opcode.open, FILE, flags, [10, 1]));
  const second = serve(peers, request(Opcode.open, FILE, flags, [10, 0x8000_0001]));
  const handle = 2 ** 32 + 10;
  assert.equal(openOut.field.handle.get(viewOf(first.body), 0), handle);
  assert.deepEqual(second.body, first.body);
  const released = body(releaseIn.size, (view) =>
    releaseIn.encode(view, 0, { handle, flags: 2, releaseFlags: 0, lockOwner: NO_OWNER }),
  );
  serve(peers, request(Opcode.release, FILE, released));
  assert.deepEqual(peers.files.calls, [
    `open 21 true ${handle}`,
    `open 21 true ${handle}`,
    `release 21 ${handle}`,
  ]);
});

test("only punching and zeroing are done; no other FALLOCATE is claimed", () => {
  const peers = setUp();
  const errors = [3, 17, 16, 0, 1, 2, 8, 32].map(
    (mode) => serve(peers, request(Opcode.fallocate, FILE, fallocate(4096, 8192, mode))).error,
  );
  const no = Errno.EOPNOTSUPP;
  assert.deepEqual(errors, [0, Errno.ENOSPC, Errno.ENOSPC, no, no, no, no, no]);
  assert.deepEqual(peers.files.calls, [
    "discard 21 4096 8192",
    "zero 21 4096 8192",
    "zero 21 4096 8192",
  ]);
});

test("errors of the files, returned or thrown, become the reply's errno", () => {
  const peers = setUp();
  assert.equal(serve(peers, request(Opcode.fsync, FILE, new Uint8Array(16))).error, Errno.EIO);
  assert.equal(serve(peers, request(Opcode.getattr, 99, new Uint8Array(16))).error, Errno.ENOENT);
  assert.equal(serve(peers, request(Opcode.ioctl, FILE, new Uint8Array(32))).error, Errno.ENOSYS);
  assert.equal(serve(peers, request(Opcode.lookup, 1, name("nobody"))).error, Errno.ENOENT);
});

test("a file keeps its size: SETATTR with another one is refused, times are taken", () => {
  const peers = setUp();
  const set = (valid: number, size: number): number =>
    serve(
      peers,
      request(
        Opcode.setattr,
        FILE,
        body(setattrIn.size, (view) => {
          setattrIn.field.valid.set(view, 0, valid);
          setattrIn.field.size.set(view, 0, size);
        }),
      ),
    ).error;
  assert.deepEqual(
    [set(8, 0), set(8, SIZE), set(16, 0), set(1, 0)],
    [Errno.EPERM, 0, 0, Errno.EPERM],
  );
});

test("READDIR gives every entry once, however small the pieces", () => {
  const peers = setUp();
  const names: string[] = [];
  for (let offset = 0; ;) {
    const { body: entries } = serve(peers, request(Opcode.readdir, 1, transfer(offset, 40)));
    if (entries.length === 0) break;
    for (let at = 0; at < entries.length;) {
      const length = entries.readUInt32LE(at + 16);
      names.push(entries.toString("utf8", at + 24, at + 24 + length));
      offset = Number(entries.readBigUInt64LE(at + 8));
      at += Math.ceil((24 + length) / 8) * 8;
    }
  }
  assert.deepEqual(names, [".", "..", "lv"]);
});

test("a request cut off at any length is an error, and reaches no file", () => {
  const whole = [
    request(Opcode.read, FILE, transfer(0, 512)),
    request(Opcode.write, FILE, transfer(0, 16, new Uint8Array(16))),
    request(Opcode.fallocate, FILE, fallocate(0, 512, 3)),
    request(Opcode.open, FILE, new Uint8Array(openIn.size)),
    request(Opcode.release, FILE, new Uint8Array(releaseIn.size)),
    request(Opcode.setattr, FILE, new Uint8Array(setattrIn.size)),
    request(Opcode.readdir, 1, transfer(0, 512)),
  ];
  for (const bytes of whole) {
    const peers = setUp();
    for (let length = inHeader.size; length < bytes.length; length++) {
      assert.equal(
        serve(peers, bytes.subarray(0, length)).error,
        Errno.EINVAL,
        `opcode ${bytes[4]}, ${length} bytes`,
      );
    }
    assert.deepEqual(peers.files.calls, []);
    peers.kernel.next = bytes.subarray(0, inHeader.size - 1);
    assert.throws(() => peers.session.serveOne(), /request of 39 bytes/);
  }
});

test("a transfer longer than agreed is refused before a buffer is touched", () => {
  const peers = setUp();
  assert.equal(
    serve(peers, request(Opcode.read, FILE, transfer(0, MAX + 4096))).error,
    Errno.EINVAL,
  );
  assert.equal(
    serve(peers, request(Opcode.write, FILE, transfer(0, MAX + 4096))).error,
    Errno.EINVAL,
  );
  assert.deepEqual(peers.files.calls, []);
});

test("what needs no reply gets none; a withdrawn request and an unmount are no errors", () => {
  const { kernel, session } = setUp();
  for (const opcode of [Opcode.forget, Opcode.batchForget, Opcode.interrupt]) {
    kernel.next = request(opcode, FILE, new Uint8Array(16));
    assert.equal(session.serveOne(), "served");
  }
  for (const errno of [Errno.EINTR, Errno.ENOENT]) {
    kernel.next = -errno;
    assert.equal(session.serveOne(), "served");
  }
  kernel.next = -Errno.EAGAIN;
  assert.equal(session.serveOne(), "idle");
  assert.equal(kernel.replies.length, 0);
  assert.equal(session.serveOne(), "closed");
});

test("a reply that nobody waits for any more is no error, a refused one is", () => {
  const { kernel, session } = setUp();
  kernel.sendResult = -Errno.ENOENT;
  kernel.next = request(Opcode.read, FILE, transfer(0, 512));
  assert.equal(session.serveOne(), "served");
  kernel.sendResult = -Errno.EINVAL;
  kernel.next = request(Opcode.read, FILE, transfer(0, 512));
  assert.throws(() => session.serveOne(), /errno 22/);
});

test("a request that a dead process had taken is answered from the buffer, once", () => {
  const negotiated = { minor: 31, maxWriteBytes: MAX, resends: false };
  const { kernel, files, session } = setUp(negotiated);
  kernel.request.set(
    request(Opcode.write, FILE, transfer(4096, 512, new Uint8Array(512).fill(9))),
    REQUEST_POSITION,
  );
  assert.equal(session.serveLeftOver(), 1);
  assert.deepEqual(files.calls, ["write 21 4096 512 at 4096"]);
  assert.equal(kernel.replies.length, 1);
  assert.equal(session.serveLeftOver(), 0);
  kernel.next = request(Opcode.read, FILE, transfer(0, 512));
  session.serveOne();
  assert.equal(session.serveLeftOver(), 0, "an answered request is not left over");
  kernel.request.fill(0xff, REQUEST_POSITION);
  assert.equal(session.serveLeftOver(), 0, "garbage is no request");
});

test("a request answered elsewhere keeps its lane, and the next one is taken through another", () => {
  const first = new ScriptedKernel();
  const second = new ScriptedKernel();
  const files = new NotedFiles();
  const given: number[] = [];
  const used: number[] = [];
  files.write = (_node, offset) => {
    given.push(offset);
    return ELSEWHERE;
  };
  const session = new FuseSession([first, second], files, {
    maxWriteBytes: MAX,
    maxBackground: 256,
    lanes: { use: (lane) => used.push(lane), free: () => 1 },
  });
  first.next = request(Opcode.write, FILE, transfer(4096, 512, new Uint8Array(512)));
  assert.equal(session.serveOne(), "served");
  second.next = request(Opcode.read, FILE, transfer(0, 512));
  assert.equal(session.serveOne(), "served");
  assert.deepEqual([first.replies.length, second.replies.length], [0, 1]);
  assert.deepEqual(given, [4096]);
  assert.deepEqual(used, [1]);
  // A server that dies now leaves the write in its lane: not done, so it is done again.
  files.write = NotedFiles.prototype.write.bind(files);
  const successor = new FuseSession([first, second], files, {
    maxWriteBytes: MAX,
    maxBackground: 256,
  });
  assert.equal(successor.serveLeftOver(), 1);
  assert.equal(files.calls.at(-1), "write 21 4096 512 at 4096");
});

test("a write that was marked as done is answered again, not done again", () => {
  const { kernel, files, session } = setUp();
  kernel.request.set(
    request(Opcode.write, FILE, transfer(4096, 512, new Uint8Array(512))),
    REQUEST_POSITION,
  );
  markDone(viewOf(kernel.request));
  assert.equal(session.serveLeftOver(), 1);
  assert.deepEqual(files.calls, []);
  const [reply] = kernel.replies as [Buffer];
  assert.equal(reply.length, outHeader.size + 8);
  assert.equal(reply.readInt32LE(4), 0);
  assert.equal(reply.readUInt32LE(outHeader.size), 512);
});

test("a parked request is not answered until it is served again", () => {
  const kernel = new ScriptedKernel();
  const files = new NotedFiles();
  const parked: Uint8Array[] = [];
  let room = true;
  const session = new FuseSession([kernel], files, {
    maxWriteBytes: MAX,
    maxBackground: 256,
    park: (bytes) => {
      if (room) parked.push(Uint8Array.from(bytes));
      return room;
    },
  });
  const write = files.write.bind(files);
  files.write = () => PARKED;
  kernel.next = request(Opcode.write, FILE, transfer(8192, 512, new Uint8Array(512).fill(7)));
  session.serveOne();
  assert.equal(kernel.replies.length, 0);
  room = false;
  kernel.next = request(Opcode.write, FILE, transfer(8192, 512, new Uint8Array(512)));
  session.serveOne();
  assert.equal(kernel.replies[0]?.readInt32LE(4), -Errno.ENOSPC, "no room to keep it");
  files.write = write;
  session.serveAgain(parked[0]!);
  assert.equal(kernel.replies.length, 2);
  assert.deepEqual(files.written, new Uint8Array(512).fill(7));
});

test("wake and resend are the kernel's notifications, and a wake is told from a request", () => {
  const { kernel, session } = setUp();
  assert.equal(wake(kernel), 0);
  assert.equal(session.resend(), 0);
  const [retrieve, resend] = kernel.replies as [Buffer, Buffer];
  assert.deepEqual(
    [retrieve.length, retrieve.readInt32LE(4)],
    [outHeader.size + retrieveOut.size, Notify.retrieve],
  );
  assert.deepEqual([resend.length, resend.readInt32LE(4)], [outHeader.size, Notify.resend]);
  kernel.next = request(Opcode.notifyReply, 2, new Uint8Array(40));
  assert.equal(session.serveOne(), "woken");
  kernel.sendResult = -Errno.ENOENT;
  assert.equal(wake(kernel), Errno.ENOENT);
  assert.equal(kernel.reply.byteOffset + REPLY_POSITION, PAGE_BYTES - outHeader.size);
});

test("the wake file is there without being listed, empty and not to be written", () => {
  const peers = setUp();
  const found = serve(peers, request(Opcode.lookup, 1, name(WAKE_NAME)));
  assert.equal(found.error, 0);
  const node = Number(found.body.readBigUInt64LE(0));
  const flags = body(openIn.size, (view) => openIn.encode(view, 0, { flags: 0, openFlags: 0 }));
  assert.equal(serve(peers, request(Opcode.open, node, flags)).error, 0);
  assert.equal(serve(peers, request(Opcode.read, node, transfer(0, 512))).body.length, 0);
  assert.deepEqual(peers.files.calls, []);
});
