/** What the indices of a set say of an object; the first three are as GlusterFS 10.3 judged them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrickHealIndex, HealIndexEntry, MissedCounts } from "./heal-effects.ts";
import { type HealState, judgeSet } from "./heal-judgement.ts";

const ids = ["v-client-0", "v-client-1", "v-client-2"];
const gfid = "53436db1-2462-4d4a-8833-786863f039e7";
type Blame = Readonly<Record<number, MissedCounts>>;
type Told = { readonly missed?: Blame; readonly dirty?: boolean; readonly version?: string } | "away" | "none";

function judged(kind: "replicate" | "disperse", bricks: readonly Told[]): HealState | undefined {
  const indices = bricks.map((told): BrickHealIndex => {
    if (told === "away") return { online: false, count: 1, unlisted: 0, entries: [{ gfid, missed: {}, dirty: true }] };
    if (told === "none") return { online: true, count: 0, unlisted: 0, entries: [] };
    const { missed = {}, dirty = false, version } = told;
    const named = Object.fromEntries(Object.entries(missed).map(([at, it]) => [ids[Number(at)]!, it]));
    const entry: HealIndexEntry = { gfid, missed: named, dirty, ...(version === undefined ? {} : { version }) };
    return { online: true, count: 1, unlisted: 0, entries: [entry] };
  });
  return judgeSet({ kind, ids, indices }).get(gfid);
}

const data: MissedCounts = [1, 0, 0];
const entries: MissedCounts = [0, 0, 1];

test("a copy that is blamed by the others is behind", () => {
  assert.equal(judged("replicate", [{ missed: { 2: data } }, { missed: { 2: data } }, "away"]), "pending");
  assert.equal(judged("replicate", [{ missed: { 2: data } }, { missed: { 2: data } }, "none"]), "pending");
});

test("copies of which each is blamed by another, in one kind, are a split-brain", () => {
  const blame2 = { missed: { 2: data } };
  assert.equal(judged("replicate", [blame2, blame2, { missed: { 0: data, 1: data } }]), "split-brain");
  assert.equal(judged("replicate", [blame2, blame2, { missed: { 0: entries, 1: entries } }]), "pending");
  assert.equal(judged("replicate", [{ missed: { 1: data } }, { missed: { 0: data } }, "away"]), "split-brain");
  assert.equal(judged("replicate", [{ missed: { 1: data } }, { missed: { 0: data } }, "none"]), "pending");
});

test("an object that is only dirty is being worked on; one of which nothing is left needs no heal", () => {
  assert.equal(judged("replicate", [{ dirty: true }, "none", "none"]), "healing");
  assert.equal(judged("replicate", [{}, {}, "none"]), undefined);
  assert.equal(judged("replicate", ["none", "none", "away"]), undefined);
});

test("a fragment is behind when one of its set has no note of the change, or another version", () => {
  const at = (version: string) => ({ dirty: true, version });
  assert.equal(judged("disperse", [at("02"), at("02"), at("02")]), "healing");
  assert.equal(judged("disperse", [at("02"), at("02"), at("01")]), "pending");
  assert.equal(judged("disperse", [at("02"), at("02"), "none"]), "pending");
  assert.equal(judged("disperse", [at("02"), at("02"), "away"]), "pending");
  assert.equal(judged("disperse", [{ version: "02" }, "none", "none"]), undefined);
});
