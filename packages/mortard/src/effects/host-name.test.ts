import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { isThisNode, localAddresses } from "./host-name.ts";

test("a node with an address of its own is that address and the names it was given", async () => {
  const own = { address: "127.1.1.1", hostNames: ["node-one"] };
  for (const host of ["127.1.1.1", "node-one"]) assert.ok(await isThisNode(host, own), host);
  for (const host of ["127.1.1.2", "127.0.0.1", "localhost", "192.0.2.1", "no-such-host.invalid"]) {
    assert.equal(await isThisNode(host, own), false, host);
  }
});

test("a node that serves every address is the machine", async () => {
  const own = { address: undefined, hostNames: [] };
  for (const host of [hostname(), "localhost", "127.3.4.5", ...localAddresses()]) {
    assert.ok(await isThisNode(host, own), host);
  }
  assert.equal(await isThisNode("192.0.2.1", own), false);
});
