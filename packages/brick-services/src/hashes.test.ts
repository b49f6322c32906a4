import assert from "node:assert/strict";
import test from "node:test";
import { weakChecksum, writeXxh64, xxh64Hex } from "./index.ts";

/**
 * Of n bytes (37 i + 11) & 255, by GlusterFS 10.3's own library: n, gf_xxh64_wrapper with seed 0,
 * gf_rsync_weak_checksum. Called through Python's ctypes on libglusterfs.so.0.
 */
const VECTORS: [number, string, number][] = [
  [0, "ef46db3751d8e999", 0],
  [1, "f592c0c7639c4cb6", 720907],
  [3, "22c08528601d4f27", 14024848],
  [4, "fb1e5cf2f1ae4d95", 31457546],
  [7, "5613ac510496c04e", 155976534],
  [8, "57cb2b7521f3e21a", 212861796],
  [31, "e4a0e629e519a4ae", 3761245834],
  [32, "cc6b8aaada790b2d", 4013952784],
  [33, "35ec49850475a832", 4277866427],
  [63, "bf9f0ba3cf95b28a", 3616350202],
  [64, "155ccce4bf32befc", 4155318304],
  [100, "4826e367566ea023", 2963747002],
  [1000, "128da10cfbdc59d9", 1550119523],
];

test("hashes and checksums are those of GlusterFS's own library", () => {
  for (const [length, hash, weak] of VECTORS) {
    const bytes = Uint8Array.from({ length }, (_, index) => (37 * index + 11) & 255);
    assert.equal(xxh64Hex(bytes), hash, `${length} bytes`);
    assert.equal(weakChecksum(bytes, 0, length), weak, `${length} bytes`);
  }
});

/** Read with getfattr from a brick that glusterfsd 10.3 served to its FUSE client. */
const GFID2PATH: [string, string][] = [
  ["ff393b9fa2109eae", "00000000-0000-0000-0000-000000000001/hello"],
  ["ceb497246c535c72", "22010736-c544-4bb4-a78c-726069e3ddf5/h2"],
  ["86bbb51c035c9c68", "22010736-c544-4bb4-a78c-726069e3ddf5/"
    .concat("long name with äöü and more than thirty-two bytes")],
];

test("the name of a gfid2path attribute is the hash of its value, as on a stock brick", () => {
  for (const [digits, text] of GFID2PATH) {
    const value = Buffer.from(text);
    const memory = new Uint8Array(200);
    memory.set(value, 5);
    writeXxh64(memory, 5, 5 + value.length, memory, 160);
    assert.equal(Buffer.from(memory.subarray(160, 176)).toString(), digits);
  }
});

test("a checksum of a large block is the sum taken byte by byte", () => {
  const bytes = new Uint8Array(131_072).fill(0xff);
  let first = 0;
  let second = 0;
  for (const byte of bytes) {
    first = (first + byte) % 65_521;
    second = (second + first) % 65_521;
  }
  assert.equal(weakChecksum(bytes, 0, bytes.length), second * 65_536 + first);
});
