import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { GfidMap } from "./index.ts";

test("a map of gfids answers as a map of their texts does, through any history", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const map = new GfidMap<number>();
    const model = new Map<string, number>();
    // Few distinct words, so that probing runs over neighbours and around the end.
    const words = Uint32Array.from({ length: 4 * 200 }, () => random.below(4));
    for (let step = 0; step < 2000; step++) {
      const at = 4 * random.below(200);
      const text = words.subarray(at, at + 4).join();
      if (random.chance(seed % 2 === 0 ? 0.6 : 0.35)) {
        map.set(words, at, step);
        model.set(text, step);
      } else {
        assert.equal(map.delete(words, at), model.delete(text));
      }
      const probe = 4 * random.below(200);
      const expected = model.get(words.subarray(probe, probe + 4).join());
      assert.equal(map.get(words, probe), expected);
      assert.equal(map.has(words, probe), expected !== undefined);
      assert.equal(map.size, model.size);
    }
    assert.deepEqual(new Set(map.values()), new Set(model.values()));
  }
});
