import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeEffect } from "@mortar/cluster";
import {
  EFFECT_ROUTE, EFFECTS_ROUTE, EffectCalls, type EffectRequest, type EffectRequests,
} from "./effect-calls.ts";
import type { PeerCall, PeerClient } from "./peer-client.ts";
import { NO_ROUTE, PeerError } from "./peer-error.ts";

const address = { host: "b", port: 1 };
const stamp = { token: 1, unanswered: 0 };
const thaw = (mountPoint: string): EffectRequest => {
  const effect: NodeEffect<"thaw"> = { kind: "thaw", node: "node-b", mountPoint };
  return { effect, stamp };
};

/** A node that says what it was asked; `refuses` may throw. */
function peer(refuses: (path: string) => void = () => undefined) {
  const paths: string[] = [];
  const answerTo = ({ effect }: EffectRequest) => ({
    ok: true, value: (effect as NodeEffect<"thaw">).mountPoint,
  });
  const call = async (_address: unknown, _expected: unknown, { path, body }: PeerCall) => {
    paths.push(path);
    refuses(path);
    const answer = path === EFFECTS_ROUTE
      ? { replies: (body as EffectRequests).requests.map(answerTo) }
      : answerTo(body as EffectRequest);
    return await Promise.resolve({ body: answer, fingerprint: "" });
  };
  const calls = new EffectCalls({ call } as unknown as PeerClient);
  const ask = (...requests: EffectRequest[]) =>
    Promise.all(requests.map((it) => calls.ask("node-b", address, it)));
  return { ask, paths };
}

const values = (...all: string[]) => all.map((value) => ({ ok: true, value }));

test("what is asked of a node at once goes in one call, each with its own answer", async () => {
  const { ask, paths } = peer();
  assert.deepEqual(await ask(thaw("/1"), thaw("/2"), thaw("/3")), values("/1", "/2", "/3"));
  assert.deepEqual(await ask(thaw("/4")), values("/4"));
  assert.deepEqual(paths, [EFFECTS_ROUTE, EFFECT_ROUTE]);
});

test("questions, which have no stamp, go alone", async () => {
  const { ask, paths } = peer();
  const { effect } = thaw("/1");
  assert.deepEqual(await ask({ effect }, { effect }), values("/1", "/1"));
  assert.deepEqual(paths, [EFFECT_ROUTE, EFFECT_ROUTE]);
});

test("a node that knows one effect a call only is asked so, from then on at once", async () => {
  const { ask, paths } = peer((path) => {
    if (path === EFFECTS_ROUTE) throw new PeerError("refused", NO_ROUTE);
  });
  assert.deepEqual(await ask(thaw("/1"), thaw("/2")), values("/1", "/2"));
  assert.deepEqual(await ask(thaw("/3"), thaw("/4")), values("/3", "/4"));
  assert.deepEqual(paths, [EFFECTS_ROUTE, ...Array.from({ length: 4 }, () => EFFECT_ROUTE)]);
});

test("a call without an answer is one for each that went in it", async () => {
  const { ask } = peer(() => {
    throw new PeerError("unreachable", "no answer");
  });
  const both = await Promise.allSettled([ask(thaw("/1")), ask(thaw("/2"))]);
  assert.deepEqual(both.map((it) => it.status), ["rejected", "rejected"]);
});
