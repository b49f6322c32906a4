import assert from "node:assert/strict";
import { test } from "node:test";
import { asksForBricks, parsePlaceRequest } from "./volume-place.ts";

const split = (line: string) => line.split(" ");
const request = (line: string) => parsePlaceRequest(split(`volume create v ${line}`)).request;

test("only a `volume create` with a size asks for bricks to be made", () => {
  assert.ok(asksForBricks(split("volume create v replica 3 --size 100G")));
  assert.ok(asksForBricks(split("--mode=script vol cre v --size=100G")));
  assert.ok(!asksForBricks(split("volume create v h:/b")));
  assert.ok(!asksForBricks(split("volume start v --size 1G")));
});

test("the layout says how many bricks a set has", () => {
  const sizes: readonly (readonly [string, number])[] = [
    ["", 1], ["replica 2 ", 2], ["replica 3 ", 3], ["replica 3 arbiter 1 ", 3],
    ["replica 2 arbiter 1 ", 3], ["disperse 6 redundancy 2 ", 6], ["disperse 3 ", 3],
    ["disperse-data 4 redundancy 2 ", 6], ["replica 3 transport tcp ", 3],
  ];
  for (const [layout, setSize] of sizes) {
    const found = request(`${layout}--size 1.5G`);
    assert.equal(found.setSize, setSize, layout);
    assert.equal(found.sizeBytes, 1.5 * 1024 ** 3);
    assert.equal(found.layout.join(" "), layout.trim());
  }
});

test("nodes, number of sets, group and force are taken, options of all commands are left", () => {
  const words = split("--xml volume create v replica 3 --size=1T --nodes a,b,c --sets 2 --vg vg0 force");
  const { request: found, rest } = parsePlaceRequest(words);
  assert.deepEqual(found.nodes, ["a", "b", "c"]);
  assert.deepEqual([found.setCount, found.vg, found.force, found.dryRun], [2, "vg0", true, false]);
  assert.deepEqual(rest, ["--xml"]);
});

test("what does not fit is refused with the usage", () => {
  for (const line of [
    "replica 3 --size 100", "replica 3 --size", "replica x --size 1G", "h:/b --size 1G",
    "disperse-data 4 --size 1G", "--size 1G --sets no", "--size -1G",
  ]) {
    assert.throws(() => request(line), { name: "VerbError" }, line);
  }
});
