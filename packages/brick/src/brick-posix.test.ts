import assert from "node:assert/strict";
import { test } from "node:test";
import { missingForLive, withBrick } from "./live.fixture.ts";
import { compareOutcomes, posixOutcomes, UNCACHED_VOLUME } from "./posix-suite.fixture.ts";
import type { Outcomes } from "./posix-suite.fixture.ts";

const missing = missingForLive();
const options = { timeout: 240_000, skip: missing ?? false };
const port = 36_000 + (process.pid % 900) * 2;
/** All sections and both kinds of mount: `npm run soak -- --only posix`. */
const SECTIONS = ["attributes", "attached", "locks"];
const CASES_MIN = 650;

const title = "what glusterfsd keeps of modes, owners, times, attributes, ACLs and locks, we keep";
test(title, options, async () => {
  const found: Partial<Record<"ours" | "stock", Outcomes>> = {};
  const ask = (kind: "ours" | "stock", at: number): Promise<void> =>
    withBrick(`posix-${kind}`, at, async (brick) => {
      await (kind === "ours" ? brick.startOurs() : brick.startStock());
      found[kind] = await posixOutcomes(brick, "suite", ["--acl"], SECTIONS);
    }, UNCACHED_VOLUME);
  await Promise.all([ask("ours", port), ask("stock", port + 1)]);
  const { both, onlyPeer } = compareOutcomes(found.ours!, found.stock!);
  assert.deepEqual(onlyPeer, []);
  assert.ok(both > CASES_MIN, `both pass ${both} cases`);
});
