import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Asked, type ChainShown, orderViolations } from "./ordering-judge.ts";

const PROGRAM = fileURLToPath(new URL("../soak/ordering-load.py", import.meta.url));
/** What a chain has after its operation 11. */
const AFTER_11 = {
  "slot-0": "5", "slot-1": "6", "slot-2": "7", "slot-3": "8", "moved-2": "", "new-10": "10",
};

type Files = Readonly<Record<string, string | Buffer>>;

function number(text: string): string | Buffer {
  return text === "" ? "" : Buffer.from(text.padStart(16));
}

/** What the program says of one chain whose files lie on these bricks, for each set of bricks. */
function shownOf(...sets: readonly (readonly Files[])[]): ChainShown[] {
  const directory = mkdtempSync(join(tmpdir(), "ordering-judge-"));
  try {
    const places = sets.map((bricks, set) => bricks.map((files, brick) => {
      const place = join(directory, `${set}-${brick}`);
      mkdirSync(join(place, "chain-0"), { recursive: true });
      for (const [name, content] of Object.entries(files)) {
        const bytes = typeof content === "string" ? number(content) : content;
        writeFileSync(join(place, "chain-0", name), bytes);
      }
      return place;
    }).join(":"));
    const words = [PROGRAM, "--verify", "1", ...places];
    const lines = execFileSync("python3", words, { encoding: "utf8" }).trim().split("\n");
    return lines.map((line) => (JSON.parse(line) as ChainShown[])[0]!);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function without(files: Files, ...names: readonly string[]): Files {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)));
}

test("a chain up to an operation, or in the middle of the next, is its beginning", () => {
  const { "slot-0": five, ...others } = AFTER_11;
  const others16 = without(AFTER_11, "moved-2");
  const [whole, middle, spread] = shownOf(
    [AFTER_11],
    // Operation 17 has made its file, and written nothing.
    [{
      ...others16, "slot-2": "12", "slot-3": "13", "slot-4": "14", "slot-0": "15", "moved-3": "", "new-17": "",
    }],
    [others, { "slot-0": five }, {}],
  );
  assert.deepEqual(whole, { seen: 11, missing: 12, wrong: [] });
  assert.deepEqual(middle, { seen: 16, missing: 17, wrong: [] });
  assert.deepEqual(spread, whole);
});

test("an older number, a name too many or too few, a lost text is found", () => {
  const found = shownOf(
    [{ ...AFTER_11, "slot-0": "0" }],
    [{ ...AFTER_11, "moved-1": "" }],
    [without(AFTER_11, "moved-2")],
    [without(AFTER_11, "new-10")],
    [{ ...AFTER_11, "slot-3": "" }],
    [{ ...AFTER_11, "slot-2": "12", "new-3": "3" }],
    [AFTER_11, { "slot-0": "5" }],
  );
  for (const [index, { wrong }] of found.entries()) assert.ok(wrong.length > 0, `set ${index}`);
});

test("a fragment of a dispersed file shows its number; one mixed of two does not", () => {
  const fragmentOf = (...planes: readonly string[]) => {
    const bytes = Buffer.alloc(512);
    for (const [plane, text] of planes.entries()) bytes.set(Buffer.from(number(text)), 64 * plane);
    return bytes;
  };
  const [right, mixed] = shownOf(
    [{ ...AFTER_11, "slot-0": fragmentOf("5", "5"), "slot-3": fragmentOf("", "8") }],
    [{ ...AFTER_11, "slot-0": fragmentOf("5", "0") }],
  );
  assert.deepEqual(right, { seen: 11, missing: 12, wrong: [] });
  assert.match(mixed?.wrong.join() ?? "", /mixed/);
});

test("what was acknowledged before the snapshot, or before what is in it, is in it", () => {
  const shown = (seen: number): ChainShown => ({ seen, missing: seen + 1, wrong: [] });
  const asked: Asked = {
    before: { acked: [1, 0], begun: [2, 1] },
    after: { acked: [2, 2], begun: [3, 3] },
    times: [[[0, 5], [5, 10], [10, 20], [20, 30]], [[0, 8], [8, 19], [21, 25], [25, 40]]],
  };
  assert.deepEqual(orderViolations([shown(1), shown(1)], asked), []);
  assert.deepEqual(orderViolations([shown(3), shown(3)], asked), []);
  assert.match(orderViolations([shown(0), shown(0)], asked).join(), /1 is not in it/);
  assert.match(orderViolations([shown(4), shown(3)], asked).join(), /only 3 was begun/);
  // Operation 2 of the first chain was acknowledged at 20, operation 2 of the other begun at 21.
  const crossed = orderViolations([shown(1), shown(2)], asked).join();
  assert.match(crossed, /begun 1.0 ms after 2 of chain 0/);
  assert.deepEqual(orderViolations([shown(2), shown(2)], asked), []);
});
