import assert from "node:assert/strict";
import { test } from "node:test";
import { Dictionary, setVolume } from "@mortar/gluster";
import { addressMatches } from "./address-pattern.ts";
import { introduce } from "./handshake.ts";
import type { BrickSpec } from "../spec.ts";

const id = "11112222-3333-4444-5555-666677778888";
const spec: BrickSpec = {
  path: "/b", volume: "v", volumeId: id, controlSocket: "/c",
  authentication: {
    logins: [{ username: "u", password: "p" }], allow: ["10.0.*"], reject: ["10.0.0.13"],
  },
};

const find = (path: string) => (path === "/sub" ? new Uint8Array(16).fill(7) : undefined);

function answer(entries: Record<string, string>, address = "10.0.0.1") {
  const args = setVolume.encodeRequest({ dictionary: Dictionary.of(entries) });
  const { newcomer, reply } = introduce(spec, "brick", { address, port: 1000 }, args, find);
  const identity = newcomer?.identity;
  const decoded = setVolume.decodeReply(reply);
  const facts: Record<string, string> = decoded.dictionary.toObject();
  return { identity, errno: decoded.opErrno, facts };
}

const good = { "remote-subvolume": "/b", "process-uuid": "me", "fops-version": "1298437" };

test("each thing that is wrong has GlusterFS's errno and words", () => {
  const refusals: [Record<string, string>, number, string][] = [
    [{}, 22, "No remote-subvolume option specified"],
    [{ ...good, "remote-subvolume": "/x" }, 2, 'remote-subvolume "/x" is not found'],
    [{ "remote-subvolume": "/b" }, 22, "UUID not specified"],
    [{ ...good, "volume-id": id.replace("1", "2") }, 116,
      "Volume-ID different, possible case of same brick re-used in another volume"],
    [{ "remote-subvolume": "/b", "process-uuid": "me" }, 22, "No FOP version number specified"],
    [{ ...good, "subdir-mount": "/d" }, 2, 'subdirectory for mount "/d" is not found'],
  ];
  for (const [entries, errno, text] of refusals) {
    const reply = answer(entries);
    assert.deepEqual([reply.identity, reply.errno, reply.facts["ERROR"]], [undefined, errno, text]);
  }
});

test("a client is let in by its address, or by a login from anywhere", () => {
  assert.equal(answer(good).identity, "me");
  assert.equal(answer(good).facts["volume-id"], id);
  assert.deepEqual(answer(good, "10.0.0.13").facts["ERROR"], "Authentication failed");
  assert.equal(answer(good, "192.168.0.1").errno, 13);
  const login = { ...good, username: "u", password: "p" };
  assert.equal(answer(login, "192.168.0.1").identity, "me");
  assert.equal(answer({ ...login, password: "q" }, "192.168.0.1").identity, undefined);
});

test("patterns of addresses are names with stars, or networks", () => {
  const cases: [string, string, boolean][] = [
    ["*", "1.2.3.4", true], ["1.2.*", "1.2.3.4", true], ["1.2.*", "1.20.3.4", false],
    ["1.2.3.4", "1.2.3.4", true], ["1.2.3.4", "1x2.3.4", false], ["10.0.0.0/8", "10.9.8.7", true],
    ["10.0.0.0/8", "11.0.0.1", false], ["10.0.0.0/33", "10.0.0.0", false],
    ["1.2.3.4/32", "1.2.3.4", true],
    ["fe80::*", "fe80::1", true],
  ];
  for (const [pattern, address, fits] of cases) {
    assert.equal(addressMatches(pattern, address), fits, `${pattern} ${address}`);
  }
});
