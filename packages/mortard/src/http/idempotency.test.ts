// What a key is worth: one change for however many requests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { takesIdempotencyKey } from "@mortar/api";
import { type ClusterStore, MemoryStore } from "@mortar/store";
import { IdempotentAnswers } from "./idempotency.ts";
import { problemOfRequest } from "./problem.ts";
import type { Reply } from "./reply.ts";

const DAY_MS = 24 * 3600 * 1000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let nowMs = 1;
const request = { key: "k", who: "ann", path: "/v1/snapshots", body: { name: "s" } };

function answersOf(store: ClusterStore = new MemoryStore(), uuid = "n1", heard: string[] = []) {
  return new IdempotentAnswers({
    store, uuid, isHeard: (node) => heard.includes(node), nowMs: () => nowMs, log: silent, lookMs: 1,
  });
}

function counted(size = 1) {
  let made = 0;
  const make = async (): Promise<Reply<unknown>> => {
    made += 1;
    return { ok: true, result: { number: made, filler: "x".repeat(size) }, warnings: [], details: [] };
  };
  return { make, made: () => made };
}

test("the same key gives the same answer, for a day, to whoever sent it", async () => {
  const answers = answersOf();
  const { make, made } = counted();
  const first = await answers.once(request, make);
  const second = await answers.once(request, make);
  assert.deepEqual([first.isRepeated, second.isRepeated, made()], [false, true, 1]);
  assert.deepEqual(second.answer, first.answer);
  await answers.once({ ...request, who: "bob" }, make);
  assert.equal(made(), 2);
  nowMs += DAY_MS;
  assert.equal((await answers.once(request, make)).isRepeated, false);
});

test("a second request waits for the first", async () => {
  const answers = answersOf();
  const { make, made } = counted();
  const [first, second] = await Promise.all([answers.once(request, make), answers.once(request, make)]);
  assert.deepEqual(second.answer, first.answer);
  assert.equal(made(), 1);
});

test("a key that came with another request is refused, and nothing is made", async () => {
  const answers = answersOf();
  const { make, made } = counted();
  await answers.once(request, make);
  const { answer } = await answers.once({ ...request, body: { name: "t" } }, make);
  assert.equal(answer.ok ? 0 : answer.problem.status, 422);
  assert.equal(made(), 1);
});

test("a refusal and a failure are not kept", async () => {
  const answers = answersOf();
  const { make, made } = counted();
  await answers.once(request, async () => ({ ok: false, problem: problemOfRequest(409, "busy") }));
  await assert.rejects(answers.once(request, () => Promise.reject(new Error("lost"))), /lost/);
  assert.equal((await answers.once(request, make)).isRepeated, false);
  assert.equal(made(), 1);
});

test("another node, and the next daemon, give the answer of the first", async () => {
  const store = new MemoryStore();
  const { make, made } = counted();
  const first = await answersOf(store).once(request, make);
  for (const answers of [answersOf(store, "n2"), answersOf(store)]) {
    const { answer, isRepeated } = await answers.once(request, make);
    assert.deepEqual([answer, isRepeated], [first.answer, true]);
    const other = await answers.once({ ...request, body: { name: "t" } }, make);
    assert.equal(other.answer.ok ? 0 : other.answer.problem.status, 422);
  }
  assert.equal(made(), 1);
});

test("another node waits while the first one makes it, and says so when that one is gone", async () => {
  const store = new MemoryStore();
  const { make, made } = counted();
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (go = resolve));
  const first = answersOf(store).once(request, async () => {
    await held;
    return await make();
  });
  const waiting = answersOf(store, "n2", ["n1"]).once(request, make);
  const lost = await answersOf(store, "n2").once(request, make);
  assert.equal(lost.answer.ok ? "" : lost.answer.problem.type, "interrupted");
  const restarted = await answersOf(store).once(request, make);
  assert.equal(restarted.answer.ok ? "" : restarted.answer.problem.type, "interrupted");
  go();
  assert.deepEqual((await waiting).answer, (await first).answer);
  assert.equal(made(), 1);
});

test("what is kept is bounded: of a long answer it is only known that it was given", async () => {
  const answers = answersOf();
  const { make, made } = counted(1024 * 1024);
  await answers.once(request, make);
  const again = await answers.once(request, make);
  assert.match(again.answer.ok ? "" : again.answer.problem.detail, /too long to be kept/);
  assert.equal(made(), 1);
});

test("secrets are told once: what answers with one takes no key, nor does what changes nothing", () => {
  const taking = ["snapshotCreate", "volumeCreate", "volumeStart"] as const;
  assert.deepEqual(taking.map(takesIdempotencyKey), [true, true, true]);
  const others = ["sessionOpen", "tokenCreate", "peerToken", "webhookCreate", "volumeInfo"] as const;
  assert.deepEqual(others.map(takesIdempotencyKey), [false, false, false, false, false]);
});
