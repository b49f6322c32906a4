import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { XdrReader } from "@mortar/binary";
import type { U64Halves, XdrCodec } from "@mortar/binary";
import {
  brickByPort, brickOperation, callback, Dictionary, dump, eventNotify, fops, getSnapshotInfo,
  getSpec, getVolumeInfo, GlusterError, handshakePing, NO_DICTIONARY, NO_FLOCK, NO_IATT, NO_STATFS,
  ping, portByBrick, setLockVersion, setVolume, signIn, signOut, typed,
} from "./index.ts";
import type { Procedure } from "./index.ts";

type AnyProcedure = Procedure<unknown, unknown>;

/** Small deterministic pseudo-random numbers (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** A reader that makes values up: reading a codec from it gives a sample of its type. */
class SampleReader extends XdrReader {
  readonly #random: () => number;
  readonly #dictionaries: boolean;
  #chain = 0;
  #lastI32 = 0;

  constructor(seed: number, dictionaries: boolean) {
    super(new Uint8Array(0));
    this.#random = random(seed);
    this.#dictionaries = dictionaries;
  }

  override get remaining(): number {
    return 1000;
  }
  override u32(): number {
    return this.#random();
  }
  override i32(): number {
    this.#lastI32 = (this.#random() % 9) + 1;
    return this.#lastI32;
  }
  override bool(): boolean {
    return this.#chain++ % 4 < 3;
  }
  override u64(): number {
    return this.#random() * 0x1000;
  }
  override u64Nearest(): number {
    return this.#random() * 0x1000;
  }
  override i64Nearest(): number {
    return this.#random() * 0x1000 - 0x800_0000_0000;
  }
  override u64Halves(): U64Halves {
    return { high: this.#random(), low: this.#random() };
  }
  override double(): number {
    return this.#random() / 3;
  }
  override opaqueFixed(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#random());
  }
  override opaque(): Uint8Array {
    const text = Buffer.from(this.text());
    return this.#dictionaries ? Dictionary.of({ [this.text()]: text, number: 7 }).encode() : text;
  }
  override text(): string {
    const length = (this.#random() % 13) + 1;
    return Array.from({ length }, () => String.fromCharCode(97 + (this.#random() % 26))).join("");
  }
  override count(): number {
    return this.#lastI32;
  }
  override rest(): Uint8Array {
    return this.opaqueFixed(37);
  }
}

const fopList = Object.values(fops) as unknown as AnyProcedure[];
const callbackList = Object.values(callback) as unknown as AnyProcedure[];
const brickList = Object.values(brickOperation) as unknown as AnyProcedure[];
const otherList = [
  dump, ping, handshakePing, getSpec, setVolume, getVolumeInfo, getSnapshotInfo, eventNotify,
  setLockVersion, portByBrick, brickByPort, signIn, signOut,
] as unknown as AnyProcedure[];
const everyProcedure = [...otherList, ...callbackList, ...brickList, ...fopList];

function sample(codec: XdrCodec<unknown>, isFop: boolean, seed: number): unknown {
  return codec.read(new SampleReader(seed, !isFop));
}

const isFop = (procedure: AnyProcedure) => fopList.includes(procedure);

interface Message {
  readonly title: string;
  readonly value: unknown;
  readonly encode: (value: unknown) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly procedure: AnyProcedure;
  readonly side: "request" | "reply";
}

function messages(seed: number): Message[] {
  return everyProcedure.flatMap((procedure) => [
    {
      title: `${procedure.name} request`,
      value: sample(procedure.request, isFop(procedure), seed),
      encode: (value: unknown) => procedure.encodeRequest(value),
      decode: (bytes: Uint8Array) => procedure.decodeRequest(bytes),
      procedure,
      side: "request" as const,
    },
    {
      title: `${procedure.name} reply`,
      value: sample(procedure.reply, isFop(procedure), seed + 1),
      encode: (value: unknown) => procedure.encodeReply(value),
      decode: (bytes: Uint8Array) => procedure.decodeReply(bytes),
      procedure,
      side: "reply" as const,
    },
  ]);
}

test("every message survives encoding and decoding", () => {
  for (let seed = 1; seed < 40; seed += 2) {
    for (const { title, value, encode, decode } of messages(seed)) {
      const bytes = encode(value).slice();
      assert.deepEqual(plain(decode(bytes)), plain(value), title);
      assert.deepEqual(encode(decode(bytes)), bytes, title);
    }
  }
});

/** Bytes as hexadecimal text and dictionaries as objects, so that equal values compare equal. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Dictionary) return value.toObject();
  if (value instanceof Map) {
    return [...(value as Map<string, unknown>)].map(([key, inner]) => [key, plain(inner)]);
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

test("a message cut anywhere is refused, or was whole without its tail", () => {
  for (const { title, value, encode, decode } of messages(5)) {
    const bytes = encode(value).slice();
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      const before = performance.now();
      assertOnlyGlusterErrors(() => decode(cut), `${title} cut to ${length}`);
      assert.ok(performance.now() - before < 500, title);
    }
  }
});

test("flipped bits and random bytes throw nothing but GlusterError, in bounded time", () => {
  const next = random(99);
  const started = performance.now();
  for (const { title, value, encode, decode } of messages(7)) {
    const bytes = encode(value).slice();
    for (let round = 0; round < 60; round++) {
      const flipped = bytes.slice();
      for (let flips = 0; flips <= round % 4 && flipped.length > 0; flips++) {
        flipped[next() % flipped.length]! ^= 1 << (next() % 8);
      }
      assertOnlyGlusterErrors(() => decode(flipped), `${title} flipped`);
      const noise = Uint8Array.from({ length: next() % 300 }, () => next());
      assertOnlyGlusterErrors(() => decode(noise), `${title} noise`);
    }
  }
  assert.ok(performance.now() - started < 20_000);
});

function assertOnlyGlusterErrors(action: () => unknown, title: string): void {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof GlusterError, `${title}: ${String(error)}`);
    assert.equal(error.code, "malformed-message", title);
  }
}

test("counts and lengths beyond the message are refused before anything is allocated", () => {
  const dictionary = "ffffffff 7fffffff 7fffffff".replaceAll(" ", "");
  const bytes = Buffer.from(`${"00".repeat(16)}${dictionary}`, "hex");
  assert.throws(() => fops.stat.decodeRequest(bytes), { code: "malformed-message" });
  const untyped = Buffer.from("0000000c 7fffffff 00000001 00000001".replaceAll(" ", ""), "hex");
  assert.throws(() => setVolume.decodeRequest(untyped), { code: "malformed-message" });
});

/** The names of the same structures in GlusterFS's XDR library. */
const LIBRARY_REPLY: Record<string, string> = {
  STAT: "gfx_common_iatt_rsp", FSTAT: "gfx_common_iatt_rsp", ICREATE: "gfx_common_iatt_rsp",
  READLINK: "gfx_readlink_rsp", OPEN: "gfx_open_rsp", OPENDIR: "gfx_open_rsp",
  READ: "gfx_read_rsp", STATFS: "gfx_statfs_rsp", CREATE: "gfx_create_rsp", LK: "gfx_lk_rsp",
  READDIR: "gfx_readdir_rsp", READDIRP: "gfx_readdirp_rsp", RCHECKSUM: "gfx_rchecksum_rsp",
  RENAME: "gfx_rename_rsp", SEEK: "gfx_seek_rsp", LEASE: "gfx_lease_rsp",
  GETACTIVELK: "gfx_getactivelk_rsp",
};
for (const name of ["MKNOD", "MKDIR", "SYMLINK", "LINK", "PUT", "COPY_FILE_RANGE"]) {
  LIBRARY_REPLY[name] = "gfx_common_3iatt_rsp";
}
for (const name of [
  "UNLINK", "RMDIR", "TRUNCATE", "FTRUNCATE", "WRITE", "FSYNC", "LOOKUP", "SETATTR", "FSETATTR",
  "FALLOCATE", "DISCARD", "ZEROFILL", "NAMELINK",
]) {
  LIBRARY_REPLY[name] = "gfx_common_2iatt_rsp";
}
for (const name of ["GETXATTR", "FGETXATTR", "XATTROP", "FXATTROP"]) {
  LIBRARY_REPLY[name] = "gfx_common_dict_rsp";
}
const LIBRARY_OTHER: Record<string, readonly [string | undefined, string | undefined]> = {
  "GF-DUMP DUMP": ["gf_dump_req", "gf_dump_rsp"],
  "GF-DUMP PING": [undefined, "gf_common_rsp"],
  SETVOLUME: ["gf_setvolume_req", "gf_setvolume_rsp"],
  GETSPEC: ["gf_getspec_req", "gf_getspec_rsp"],
  SET_LK_VER: ["gf_set_lk_ver_req", "gf_set_lk_ver_rsp"],
  "GlusterFS Handshake EVENT_NOTIFY": ["gf_event_notify_req", "gf_event_notify_rsp"],
  GET_VOLUME_INFO: ["gf_get_volume_info_req", "gf_get_volume_info_rsp"],
  GET_SNAPSHOT_INFO: ["gf_getsnap_name_uuid_req", "gf_getsnap_name_uuid_rsp"],
  PORTBYBRICK: ["pmap_port_by_brick_req", "pmap_port_by_brick_rsp"],
  BRICKBYPORT: ["pmap_brick_by_port_req", "pmap_brick_by_port_rsp"],
  SIGNIN: ["pmap_signin_req", "pmap_signin_rsp"],
  SIGNOUT: ["pmap_signout_req", "pmap_signout_rsp"],
  TERMINATE: ["gd1_mgmt_brick_op_req", "gd1_mgmt_brick_op_rsp"],
  CACHE_INVALIDATION: ["gfs3_cbk_cache_invalidation_req", undefined],
  RECALL_LEASE: ["gfs3_recall_lease_req", undefined],
  STATEDUMP: ["gf_statedump", undefined],
  INODELK_CONTENTION: ["gfs4_inodelk_contention_req", undefined],
};

function libraryName({ procedure, side }: Message): string | undefined {
  const { name, program } = procedure;
  if (!isFop(procedure)) {
    const pair = LIBRARY_OTHER[`${program.name} ${name}`] ?? LIBRARY_OTHER[name];
    return pair?.[side === "request" ? 0 : 1];
  }
  if (name === "NULL") return undefined;
  if (side === "request") return `gfx_${name.toLowerCase()}_req`;
  return LIBRARY_REPLY[name] ?? "gfx_common_rsp";
}

/** How many raw bytes follow the XDR of a message. */
const tail = (value: unknown) => {
  const { payload } = value as { payload?: Uint8Array };
  return payload?.length ?? 0;
};

test("GlusterFS's own XDR library reads and writes the same bytes", (context) => {
  const script = new URL("../testdata/xdr-oracle.py", import.meta.url).pathname;
  const python = spawnSync("python3", [script], { input: "gf_statedump 00000001\n" });
  if (!python.stdout?.toString().startsWith("4 ")) {
    context.skip(`python3 with libgfxdr.so.0 is missing: ${String(python.stderr)}`);
    return;
  }
  const cases = [1, 3, 9].flatMap((seed) => messages(seed)).flatMap((message) => {
    const name = libraryName(message);
    if (name === undefined) return [];
    return [{ name, message, bytes: message.encode(message.value).slice() }];
  });
  const input = cases.map(({ name, bytes }) => `${name} ${Buffer.from(bytes).toString("hex")}\n`);
  const run = spawnSync("python3", [script], { input: input.join(""), maxBuffer: 1 << 28 });
  const lines = run.stdout.toString().trim().split("\n");
  assert.equal(lines.length, cases.length, run.stderr.toString());
  cases.forEach(({ name, message, bytes }, index) => {
    const head = bytes.length - tail(message.value);
    const want = `${head} ${Buffer.from(bytes.subarray(0, head)).toString("hex")}`;
    assert.equal(lines[index], want, `${message.title} as ${name}`);
  });
  assert.ok(cases.length > 300, `${cases.length} cases`);
});

test("sizes with empty dictionaries are those of the wire", () => {
  const common = { opRet: 0, opErrno: 0, xdata: NO_DICTIONARY };
  const iatts = { stat: NO_IATT, parentBefore: NO_IATT, parentAfter: NO_IATT };
  const gfid = new Uint8Array(16);
  const size = (bytes: Uint8Array) => bytes.length;
  assert.equal(size(fops.flush.encodeReply(common)), 20);
  assert.equal(size(fops.stat.encodeReply({ ...common, stat: NO_IATT })), 168);
  assert.equal(size(fops.fsync.encodeReply({ ...common, before: NO_IATT, after: NO_IATT })), 316);
  assert.equal(size(fops.mkdir.encodeReply({ ...common, ...iatts })), 464);
  assert.equal(size(fops.create.encodeReply({ ...common, ...iatts, fd: 0 })), 472);
  assert.equal(size(fops.open.encodeReply({ ...common, fd: 0 })), 28);
  assert.equal(size(fops.statfs.encodeReply({ ...common, statfs: NO_STATFS })), 108);
  assert.equal(size(fops.lk.encodeReply({ ...common, flock: NO_FLOCK })), 52);
  assert.equal(size(fops.readdirp.encodeReply({ ...common, entries: [] })), 24);
  const dictionaries = { dictionary: NO_DICTIONARY, before: NO_IATT, after: NO_IATT };
  assert.equal(size(fops.getxattr.encodeReply({ ...common, ...dictionaries })), 328);
  const payload = new Uint8Array(5);
  const reading = { ...common, stat: NO_IATT, size: 5, payload };
  assert.equal(size(fops.read.encodeReply(reading)), 172 + 5);
  const writing = { gfid, fd: -2, offset: 0, size: 5, flag: 0, xdata: NO_DICTIONARY, payload };
  assert.equal(size(fops.write.encodeRequest(writing)), 52 + 5);
  const renamed = {
    ...common, stat: NO_IATT, oldParentBefore: NO_IATT, oldParentAfter: NO_IATT,
    newParentBefore: NO_IATT, newParentAfter: NO_IATT,
  };
  assert.equal(size(fops.rename.encodeReply(renamed)), 760);
});

test("dictionaries are the recorded bytes", () => {
  const untyped = Dictionary.of({ ERROR: "Success", child_up: "1" });
  const bytes =
    "00000002000000050000000 84552524f5200537563636573730000000008000000026368696c645f7570003100";
  const want = bytes.replaceAll(" ", "");
  assert.equal(Buffer.from(untyped.encode()).toString("hex"), want);
  assert.deepEqual(Dictionary.decode(Buffer.from(want, "hex")).toObject(), {
    ERROR: "Success", child_up: "1",
  });
  const encoded = (xdata: ReadonlyMap<string, ReturnType<typeof typed.int>>) =>
    Buffer.from(fops.ipc.encodeRequest({ op: 0, xdata }).subarray(4)).toString("hex");
  const gfid = Buffer.from("00112233445566778899aabbccddeeff", "hex");
  assert.equal(
    encoded(new Map([["gfid-req", typed.gfid(gfid)]])),
    "00000024000000010000000100000009676669642d72657100000000000000070011223344556677" +
      "8899aabbccddeeff",
  );
  assert.equal(
    encoded(new Map([["trusted.glusterfs.dht", typed.int(16)]])),
    "00000028000000010000000100000016747275737465642e676c757374657266732e646874000000" +
      "000000020000000000000010",
  );
  const count = typed.text("glusterfs.xattrop_index_count");
  assert.equal(encoded(new Map([["link-count", count]])).length / 2, 68);
});

test("an untyped dictionary is read with and without NULs, and none is the empty one", () => {
  const raw = Buffer.concat([
    Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2]), Buffer.from("n\0"), Buffer.from("42"),
  ]);
  assert.equal(Dictionary.decode(raw).integer("n"), 42);
  assert.equal(Dictionary.of({ n: 42 }).integer("n"), 42);
  assert.equal(Dictionary.decode(new Uint8Array(0)).size, 0);
  assert.throws(() => Dictionary.of({ n: "many" }).integer("n"), { code: "malformed-message" });
});

test("a dictionary that declares -1 pairs is an empty one", () => {
  const bytes = Buffer.from("0000000000000000ffffffff00000000", "hex");
  assert.equal(fops.ipc.decodeRequest(bytes).xdata.size, 0);
});

test("the recorded volfile text fits a GETSPEC reply", () => {
  const spec = readFileSync(
    new URL("../testdata/recorded/one-brick-client.vol", import.meta.url), "utf8",
  );
  const reply = { opRet: Buffer.byteLength(spec), opErrno: 0, spec, extra: new Dictionary() };
  assert.equal(getSpec.decodeReply(getSpec.encodeReply(reply)).spec, spec);
});
