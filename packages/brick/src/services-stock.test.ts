/** What brick-services decides, and what a stock glusterfsd answers over the wire: the same. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  EntryLocks, InodeLocks, LOCK, XATTROP, xattrop, xattropLength,
} from "@mortar/brick-services";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import { Random } from "@mortar/sim";
import { startWireBrick, WireClient } from "./wire-client.fixture.ts";

const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const ROOT_WORDS = Uint32Array.of(0, 0, 0, 1);
/** How long a request may go unanswered before it counts as waiting. */
const PATIENCE_MS = 25;
const DEADLINE_MS = 10_000;

const ownerOf = (owner: number): Uint8Array => Uint8Array.of(owner, 0, 0, 0, 0, 0, 0, 1);
const halves = (low: number): { high: number; low: number } => ({ high: 0, low });

interface Wish {
  client: number; owner: number; from: number; length: number; name: string | undefined;
  type: number;
}

type Verb = "wait" | "try" | "unlock";

/** One kind of lock: how it is asked for, here and over the wire. */
interface Kind {
  ours(domain: string, verb: Verb, wish: Wish, step: number): number;
  stock(domain: string, verb: Verb, wish: Wish): Promise<{ opRet: number; opErrno: number }>;
  takeGranted(): readonly number[];
}

function inodeKind(clients: readonly WireClient[]): Kind {
  const locks = new InodeLocks<number>(5000);
  const commandOf = (verb: Verb): number => (verb === "wait" ? 2 : 1);
  const typeOf = (verb: Verb, wish: Wish): number => (verb === "unlock" ? 2 : wish.type);
  return {
    ours: (domain, verb, wish, step) => locks.request({
      words: ROOT_WORDS, at: 0, domain, client: wish.client, owner: ownerOf(wish.owner), pid: 100,
      command: commandOf(verb), type: typeOf(verb, wish), startHigh: 0, startLow: wish.from,
      lengthHigh: 0, lengthLow: wish.length,
    }, step, 0),
    stock: async (domain, verb, wish) => clients[wish.client]!.call(fops.inodelk, {
      gfid: ROOT, command: commandOf(verb), type: typeOf(verb, wish), domain, xdata: NO_DICTIONARY,
      flock: {
        type: typeOf(verb, wish), whence: 0, start: halves(wish.from), length: halves(wish.length),
        pid: 100, lockOwner: ownerOf(wish.owner),
      },
    }, wish.owner),
    takeGranted: () => locks.takeGranted(),
  };
}

function entryKind(clients: readonly WireClient[]): Kind {
  const locks = new EntryLocks<number>(5000);
  const command = { wait: 0, unlock: 1, try: 2 } as const;
  return {
    ours: (domain, verb, wish, step) => locks.request({
      words: ROOT_WORDS, at: 0, domain, client: wish.client, owner: ownerOf(wish.owner), pid: 100,
      command: command[verb], type: 1,
      name: wish.name === undefined ? undefined : Buffer.from(wish.name),
    }, step, 0),
    stock: async (domain, verb, wish) => clients[wish.client]!.call(fops.entrylk, {
      gfid: ROOT, command: command[verb], type: 1, nameLength: wish.name === undefined ? 0 : 1,
      name: Buffer.from(wish.name ?? ""), domain, xdata: NO_DICTIONARY,
    }, wish.owner),
    takeGranted: () => locks.takeGranted(),
  };
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !isSo();) {
    assert.ok(Date.now() < deadline, what);
    await sleep(1);
  }
}

async function compareHistory(kind: Kind, domain: string, seed: number): Promise<void> {
  const random = new Random(seed);
  const answers = new Map<number, number>();
  const waiting = new Set<number>();
  const asked: Wish[] = [];
  for (let step = 0; step < 60; step++) {
    const isUnlock = random.chance(0.5) && asked.length > 0;
    const verb: Verb = isUnlock ? "unlock" : random.pick<Verb>(["wait", "try"]);
    const wish = verb === "unlock" && random.chance(0.9) ? random.pick(asked) : {
      client: random.below(3), owner: random.below(2), from: random.below(6),
      length: random.below(4), name: random.pick(["a", "b", undefined]), type: random.below(2),
    };
    const where = `${domain} step ${step}: ${verb} ${JSON.stringify(wish)}`;
    if (verb !== "unlock") asked.push(wish);
    const status = kind.ours(domain, verb, wish, step);
    const granted = kind.takeGranted();
    void kind.stock(domain, verb, wish)
      .then(({ opRet, opErrno }) => answers.set(step, opRet === 0 ? 0 : opErrno));
    if (status === LOCK.waiting) {
      await sleep(PATIENCE_MS);
      assert.ok(!answers.has(step), `${where}: stock answers ${answers.get(step)}`);
      waiting.add(step);
    } else {
      await until(() => answers.has(step), `${where}: stock waits, we answer ${status}`);
      assert.equal(answers.get(step), status, where);
    }
    for (const waiter of granted) {
      await until(() => answers.has(waiter), `${where}: stock does not grant step ${waiter}`);
      assert.equal(answers.get(waiter), 0);
      waiting.delete(waiter);
    }
    for (const waiter of waiting) {
      assert.ok(!answers.has(waiter), `${where}: stock grants step ${waiter}`);
    }
  }
}

function hexOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "absent" : Buffer.from(bytes).toString("hex");
}

async function compareXattrops(client: WireClient): Promise<void> {
  const random = new Random(3);
  const disk = new Map<string, Uint8Array>();
  for (let round = 0; round < 300; round++) {
    const flag = random.pick([0, 1, 4, 5, 6]);
    const key = `trusted.k${random.below(6)}`;
    const operand = Buffer.alloc(flag > 4 ? 16 : 8);
    if (random.chance(0.85)) {
      for (let at = 0; at < operand.length; at++) operand[at] = random.pick([0, 0, 0, 0xff, 1]);
    }
    const old = disk.get(key);
    const target = new Uint8Array(xattropLength(flag, operand.length));
    target.set(old ?? []);
    const status = xattrop(flag, operand, target, old?.length ?? -1);
    const reply = await client.call(fops.xattrop, {
      gfid: ROOT, flags: flag, xdata: NO_DICTIONARY,
      dictionary: new Map([[key, typed.bytes(operand)]]),
    }, 0);
    assert.equal(reply.opRet, 0);
    const answer = reply.dictionary.get(key)?.value;
    const expected = status === XATTROP.storeOperandSilently ? undefined : target;
    assert.equal(hexOf(answer as Uint8Array | undefined), hexOf(expected));
    if (status === XATTROP.store) disk.set(key, target);
    else if (status !== XATTROP.unchanged) disk.set(key, operand);
  }
}

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;

test("inode locks, entry locks and xattrops are answered as stock glusterfsd answers them", {
  skip: canRun ? false : "needs root and glusterfsd",
}, async () => {
  const stock = await startWireBrick("glusterfsd");
  const clients = [stock.client];
  try {
    for (const number of [1, 2]) {
      clients.push(await WireClient.open(stock.port, stock.path, number));
    }
    await compareXattrops(stock.client);
    for (const seed of [1, 2, 3]) {
      await compareHistory(inodeKind(clients), `inode-${seed}`, seed);
      await compareHistory(entryKind(clients), `entry-${seed}`, seed);
    }
  } finally {
    for (const client of clients) client.close();
    await stock.stop();
  }
});
