import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeDependencies,
  decodeInfo,
  decodeTargets,
  decodeVersions,
  deviceNumberText,
  isBufferFull,
} from "./answer.ts";
import {
  encodeMessage,
  encodeRequest,
  encodeTargets,
  encodeText,
  HEADER_BYTES,
  ioctlNumber,
} from "./request.ts";

/** Memory with these bytes at these places, as hexadecimal digits; zeros elsewhere. */
function memory(length: number, pieces: Record<number, string>): Uint8Array {
  const result = new Uint8Array(length);
  for (const [at, digits] of Object.entries(pieces)) {
    result.set(Buffer.from(digits.replaceAll(" ", ""), "hex"), Number(at));
  }
  return result;
}

test("ioctl numbers are those of the C header", () => {
  // Printed by a C program with <linux/dm-ioctl.h>.
  assert.equal(ioctlNumber("version"), 0xc138fd00);
  assert.equal(ioctlNumber("create"), 0xc138fd03);
  assert.equal(ioctlNumber("suspend"), 0xc138fd06);
  assert.equal(ioctlNumber("tableLoad"), 0xc138fd09);
  assert.equal(ioctlNumber("targetMessage"), 0xc138fd0e);
  assert.equal(ioctlNumber("targetVersion"), 0xc138fd11);
});

test("a request is the header with name, uuid, flags and cookie in their places", () => {
  const found = encodeRequest({ name: "vg-lv", uuid: "LVM-x", flags: 0x402, cookie: 0x004e0000 });
  const expected = memory(HEADER_BYTES, {
    0: "04000000 00000000 00000000",
    12: "38010000 38010000 00000000 00000000 02040000 00004e00",
    48: "76672d6c76",
    176: "4c564d2d78",
  });
  assert.deepEqual(found, expected);
});

test("a table is a chain of records, each with its parameters, at multiples of 8 bytes", () => {
  const found = encodeTargets([
    { startSectors: 0, lengthSectors: 8192, type: "linear", parameters: "254:0 2048" },
    { startSectors: 8192, lengthSectors: 16, type: "linear", parameters: "254:16 9" },
  ]);
  const expected = memory(112, {
    0: "0000000000000000 0020000000000000 00000000 38000000",
    24: Buffer.from("linear").toString("hex"),
    40: Buffer.from("254:0 2048").toString("hex"),
    56: "0020000000000000 1000000000000000 00000000 38000000",
    80: Buffer.from("linear").toString("hex"),
    96: Buffer.from("254:16 9").toString("hex"),
  });
  assert.deepEqual(found, expected);
});

test("a message follows eight bytes of sector, and both it and a new name end with a zero", () => {
  assert.deepEqual(encodeMessage("delete 7"), memory(17, { 8: "64656c6574652037" }));
  assert.deepEqual(encodeText("ab"), new Uint8Array([0x61, 0x62, 0]));
});

test("a name that is too long, or holds a zero byte, is refused before the kernel sees it", () => {
  assert.throws(() => encodeRequest({ name: "n".repeat(128) }), RangeError);
  assert.throws(() => encodeRequest({ uuid: "u".repeat(129) }), RangeError);
  assert.throws(() => encodeRequest({ name: "a\0b" }), RangeError);
  assert.equal(encodeRequest({ name: "n".repeat(127) }).length, HEADER_BYTES);
});

test("an answer tells of a device: number, openers, flags", () => {
  const answer = memory(HEADER_BYTES, {
    12: "38010000 38010000 01000000 02000000 23000000 07000000",
    40: "04fd000000000000",
    48: "76672d6c76",
    176: "4c564d2d78",
  });
  assert.deepEqual(decodeInfo(answer), {
    name: "vg-lv",
    uuid: "LVM-x",
    deviceNumber: "253:4",
    openCount: 2,
    readOnly: true,
    suspended: true,
    hasTable: true,
    hasInactiveTable: false,
    eventCount: 7,
  });
});

test("minor numbers above 255 lie above the major number", () => {
  assert.equal(deviceNumberText(0xfd04), "253:4");
  assert.equal(deviceNumberText(0x0010fd2c), "253:300");
});

/** Two records of a status, `next` counted from the first record. */
function statusAnswer(dataSize: number): Uint8Array {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(dataSize);
  return memory(HEADER_BYTES + 112, {
    12: `${size.toString("hex")} 38010000 02000000`,
    312: "0000000000000000 0020000000000000 00000000 38000000",
    336: Buffer.from("thin").toString("hex"),
    352: Buffer.from("64 127").toString("hex"),
    368: "0020000000000000 1000000000000000 00000000 70000000",
    392: Buffer.from("linear").toString("hex"),
  });
}

test("a status is read back as the lines it was made of", () => {
  assert.deepEqual(decodeTargets(statusAnswer(HEADER_BYTES + 112)), [
    { startSectors: 0, lengthSectors: 8192, type: "thin", parameters: "64 127" },
    { startSectors: 8192, lengthSectors: 16, type: "linear", parameters: "" },
  ]);
});

test("an answer whose figures leave its memory is an error at every length", () => {
  for (let length = HEADER_BYTES; length < HEADER_BYTES + 97; length += 1) {
    assert.throws(() => decodeTargets(statusAnswer(length)), RangeError, String(length));
  }
  assert.throws(() => decodeTargets(statusAnswer(HEADER_BYTES + 113)), RangeError);
});

test("dependencies are a count and device numbers", () => {
  const answer = memory(HEADER_BYTES + 24, {
    12: "50010000 38010000",
    312: "02000000 00000000 00fd000000000000 01fd000000000000",
  });
  assert.deepEqual(decodeDependencies(answer), ["253:0", "253:1"]);
  answer[312] = 3;
  assert.throws(() => decodeDependencies(answer), RangeError);
});

test("versions are a chain that ends with a zero", () => {
  const answer = memory(HEADER_BYTES + 56, {
    12: "70010000 38010000",
    312: "20000000 01000000 16000000 00000000",
    328: Buffer.from("thin-pool").toString("hex"),
    344: "00000000 01000000 04000000 02000000",
    360: Buffer.from("linear").toString("hex"),
  });
  assert.deepEqual(
    [...decodeVersions(answer)],
    [
      ["thin-pool", { major: 1, minor: 22, patch: 0 }],
      ["linear", { major: 1, minor: 4, patch: 2 }],
    ],
  );
});

test("the kernel's word that an answer found no room is seen", () => {
  assert.equal(isBufferFull(memory(HEADER_BYTES, { 28: "00010000" })), true);
  assert.equal(isBufferFull(memory(HEADER_BYTES, { 28: "20000000" })), false);
});
