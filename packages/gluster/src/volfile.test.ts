import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  brickVolfileKey, GlusterError, parseVolfile, parseVolfileKey, printVolfile,
} from "./index.ts";

const testdata = new URL("../testdata/", import.meta.url);

test("every recorded volfile is printed as it was written", () => {
  const paths = readdirSync(testdata, { recursive: true, encoding: "utf8" });
  const volfiles = paths.filter((path) => path.endsWith(".vol"));
  assert.ok(volfiles.length > 15);
  for (const path of volfiles) {
    const text = readFileSync(new URL(path, testdata), "utf8");
    assert.equal(printVolfile(parseVolfile(text)).trim(), text.trim(), path);
  }
});

test("keywords in any case, comments, quotes and repeated options are understood", () => {
  const { translators } = parseVolfile(`
    # a comment
    VOLUME a  Type storage/posix   # another
      option directory "/a b/\\"c\\""
      option x 1
      option x 2#3
    End-Volume volume "volume" type debug/io-stats subvolumes a end-volume`);
  const [a, top] = translators;
  assert.equal(a?.options.get("directory"), '/a b/"c"');
  assert.equal(a?.options.get("x"), "2#3");
  assert.equal(top?.name, "volume");
  assert.deepEqual(top?.subvolumes, ["a"]);
});

test("any value that fits on a line is read back as it was", () => {
  for (const value of ["", " ", "a b", '"', "\\", "type", "END-VOLUME", "#x", "x#y", 'a"b', "é"]) {
    const options = new Map([["key", value]]);
    const volfile = { translators: [{ name: "n", type: "t/t", options, subvolumes: [] }] };
    assert.deepEqual(parseVolfile(printVolfile(volfile)), volfile, JSON.stringify(value));
  }
  const options = new Map([["key", "a\nb"]]);
  const volfile = { translators: [{ name: "n", type: "t/t", options, subvolumes: [] }] };
  assert.throws(() => printVolfile(volfile), { code: "malformed-volfile" });
});

test("what is wrong is named with its line", () => {
  const wrong: [string, RegExp][] = [
    ["", /line 1: no volume is defined/],
    ["volume a\ntype t/t\n", /line 1: volume a has no "end-volume"/],
    ["volume a\nend-volume", /line 2: volume a has no type/],
    ["volume a\ntype t/t\nsubvolumes b\nend-volume", /line 3: subvolume b .* not defined above/],
    ["volume a\ntype t/t\nend-volume\nvolume a\n", /line 4: volume a is defined twice/],
    ["volume a\ntype t/t\noption x\nend-volume", /line 3: a value expected after "option"/],
    ["volume a\ntype t/t\nsubvolumes\nend-volume", /line 3: volume a names no subvolume/],
    ["volume a\ntype t/t\nfoo\nend-volume", /line 3: "foo" in volume a is no keyword/],
    ["volume a\ntype t/t\ntype u/u\nend-volume", /line 3: volume a has two types/],
    ['volume "a\n', /line 1: a quoted word does not end/],
    ["what", /line 1: "volume" expected, not "what"/],
    ["volume", /line 1: a name expected after "volume"/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parseVolfile(text), { code: "malformed-volfile", message }, text);
  }
});

test("cut and shuffled volfiles throw nothing but GlusterError", () => {
  const text = readFileSync(new URL("recorded/one-brick-client.vol", testdata), "utf8");
  const words = text.split(/(\s+)/);
  for (let at = 0; at < text.length; at += 7) {
    const shuffled = [...words.slice(at % words.length), ...words.slice(0, at % words.length)];
    for (const broken of [text.slice(0, at), text.slice(at), shuffled.join("")]) {
      try {
        parseVolfile(broken);
      } catch (error) {
        assert.ok(error instanceof GlusterError);
      }
    }
  }
});

test("volfile keys tell what is asked for", () => {
  assert.deepEqual(parseVolfileKey("/V"), { kind: "client", volume: "V" });
  assert.deepEqual(parseVolfileKey("V"), { kind: "client", volume: "V" });
  const brick = { host: "10.1.2.3", path: "/mnt/b0/x" };
  const key = brickVolfileKey("V", brick);
  assert.equal(key, "V.10.1.2.3.mnt-b0-x");
  assert.deepEqual(parseVolfileKey(key), { kind: "brick", volume: "V", key });
  assert.deepEqual(parseVolfileKey("/snaps/S/V"), {
    kind: "snapshot-client", snapshot: "S", volume: "V",
  });
  assert.deepEqual(parseVolfileKey(brickVolfileKey("0a1b", brick, "S")), {
    kind: "snapshot-brick", snapshot: "S", volume: "0a1b", key: "0a1b.10.1.2.3.mnt-b0-x",
  });
  assert.deepEqual(parseVolfileKey("shd/V"), { kind: "service", service: "shd", volume: "V" });
  for (const none of ["", "/", "//", "a//b", "a/b/c", "snaps/S/V/W.h.p", "/snaps/S/V/"]) {
    assert.equal(parseVolfileKey(none), undefined, none);
  }
});
