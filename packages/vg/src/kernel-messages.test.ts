import assert from "node:assert/strict";
import { test } from "node:test";
import { PoolError, type PoolMessage } from "@mortar/pool";
import { performMessages, type ThinPoolOrders } from "./kernel-messages.ts";
import { isDefiniteRefusal } from "./pool-host.ts";
import { VgError } from "./vg-error.ts";

function refused(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A pool of the kernel as far as messages go: refuses as it does, and dies where it is told to. */
class FakePool implements ThinPoolOrders {
  transactionId = 4;
  mode: "rw" | "ro" | "fail" = "rw";
  needsCheck = false;
  readonly devices = new Set([1]);
  readonly given: string[] = [];
  /** The orders that fail, and how. */
  readonly failing = new Map<string, string>();

  async status() {
    const { transactionId, mode, needsCheck } = this;
    return await Promise.resolve({ transactionId, mode, needsCheck });
  }

  async order(words: string): Promise<void> {
    this.given.push(words);
    const [verb = "", first, second] = words.split(" ");
    const code = this.failing.get(verb);
    if (code !== undefined) throw refused(code);
    const [id, other] = [Number(first), Number(second)];
    if (verb === "set_transaction_id") {
      if (this.transactionId !== id) throw refused("EINVAL");
      this.transactionId = other;
    } else if (verb === "delete") {
      if (!this.devices.delete(id)) throw refused("ENODATA");
    } else {
      if (this.devices.has(id)) throw refused("EEXIST");
      if (verb === "create_snap" && !this.devices.has(other)) throw refused("ENODATA");
      this.devices.add(id);
    }
    await Promise.resolve();
  }
}

const CREATE: PoolMessage = { kind: "create", deviceId: 2 };
const SNAPSHOT: PoolMessage = { kind: "snapshot", deviceId: 2, originId: 1 };
const DELETE: PoolMessage = { kind: "delete", deviceId: 1 };

test("a message is performed and the id set, in this order", async () => {
  const pool = new FakePool();
  const request = { messages: [SNAPSHOT], transactionId: 5 };
  assert.equal(await performMessages(pool, "vg/p", request), "done");
  assert.deepEqual(pool.given, ["create_snap 2 1", "set_transaction_id 4 5"]);
  assert.equal(await performMessages(pool, "vg/p", request), "unchanged");
  assert.equal(pool.given.length, 2);
});

for (const message of [CREATE, SNAPSHOT, DELETE]) {
  test(`a ${message.kind} that died between the kernel's two orders is finished`, async () => {
    const pool = new FakePool();
    if (message.kind === "delete") pool.devices.delete(message.deviceId);
    else pool.devices.add(message.deviceId);
    const request = { messages: [message], transactionId: 5 };
    assert.equal(await performMessages(pool, "vg/p", request), "done");
    assert.equal(pool.transactionId, 5);
    const devices = [...pool.devices].sort((a, b) => a - b);
    assert.deepEqual(devices, message.kind === "delete" ? [] : [1, 2]);
  });
}

test("a refusal of the message is definite and leaves everything as it was", async () => {
  const pool = new FakePool();
  pool.failing.set("create_thin", "ENOSPC");
  const call = performMessages(pool, "vg/p", { messages: [CREATE], transactionId: 5 });
  await assert.rejects(call, (error) => {
    return error instanceof PoolError && error.code === "metadata-full" && isDefiniteRefusal(error);
  });
  assert.deepEqual([pool.transactionId, [...pool.devices]], [4, [1]]);
});

test("when the id is refused what was created is deleted again, and that is definite", async () => {
  const pool = new FakePool();
  pool.failing.set("set_transaction_id", "EIO");
  const call = performMessages(pool, "vg/p", { messages: [SNAPSHOT], transactionId: 5 });
  await assert.rejects(call, (error) => error instanceof PoolError && isDefiniteRefusal(error));
  assert.deepEqual([pool.transactionId, [...pool.devices]], [4, [1]]);
});

test("what cannot be undone is no definite refusal: the text keeps its message", async () => {
  for (const [message, failing] of [
    [DELETE, ["set_transaction_id"]],
    [CREATE, ["set_transaction_id", "delete"]],
  ] as const) {
    const pool = new FakePool();
    for (const verb of failing) pool.failing.set(verb, "EIO");
    const call = performMessages(pool, "vg/p", { messages: [message], transactionId: 5 });
    await assert.rejects(call, (error) => error instanceof VgError && !isDefiniteRefusal(error));
    pool.failing.clear();
    const again = performMessages(pool, "vg/p", { messages: [message], transactionId: 5 });
    assert.equal(await again, "done");
  }
});

test("a pool of another transaction, read-only or damaged is asked nothing", async () => {
  const cases: readonly [Partial<FakePool>, string][] = [
    [{ transactionId: 3 }, "transaction-mismatch"],
    [{ transactionId: 6 }, "transaction-mismatch"],
    [{ mode: "ro" }, "read-only"],
    [{ mode: "ro", needsCheck: true }, "needs-check"],
    [{ mode: "fail" }, "corrupt"],
  ];
  for (const [state, code] of cases) {
    const pool = Object.assign(new FakePool(), state);
    const call = performMessages(pool, "vg/p", { messages: [CREATE], transactionId: 5 });
    await assert.rejects(call, (error) => error instanceof PoolError && error.code === code);
    assert.deepEqual(pool.given, []);
  }
});
