// A confined process shows by its own deeds what it cannot do any more, in each of its threads.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const index = new URL("./index.js", import.meta.url).href;
const root = fileURLToPath(new URL("../../..", import.meta.url));

const DEEDS = `
  const { writeFileSync, readFileSync, linkSync, mkdirSync, renameSync, truncateSync, rmSync,
    readdirSync } = require("node:fs");
  const { Worker, isMainThread } = require("node:worker_threads");
  const [inside, outside] = process.argv.slice(-2);
  const tried = (deed) => { try { deed(); return "done"; } catch (error) { return error.code; } };
  const report = {
    write: tried(() => { writeFileSync(inside + "/file", "x"); mkdirSync(inside + "/d");
      linkSync(inside + "/file", inside + "/d/other");
      renameSync(inside + "/d/other", inside + "/o");
      truncateSync(inside + "/file", 0); rmSync(inside + "/d", { recursive: true }); }),
    read: tried(() => readFileSync(outside + "/secret")),
    make: tried(() => writeFileSync(outside + "/new", "x")),
    list: tried(() => readdirSync(outside)),
    remove: tried(() => rmSync(outside + "/secret")),
    move: tried(() => renameSync(inside + "/file", outside + "/moved")),
    status: readFileSync("/proc/thread-self/status", "utf8").match(/NoNewPrivs:\\t1/)?.[0],
  };
  console.log(JSON.stringify(report));
  if (isMainThread) new Worker(__filename, { argv: [inside, outside] });
`;

test("outside of its trees nothing is read, made or removed, by no thread of the process", () => {
  const directory = mkdtempSync(join(tmpdir(), `confine-${process.pid}-`));
  try {
    const inside = join(directory, "inside");
    const outside = join(directory, "outside");
    mkdirSync(inside);
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "s");
    const deeds = join(directory, "deeds.cjs");
    writeFileSync(deeds, DEEDS);
    const script = `
      import { CAPABILITY, confine, replaceProcess } from "${index}";
      const version = confine({ capabilities: [CAPABILITY.chown], writable: ["${inside}"],
        readable: ["${deeds}", "${root}", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc",
          "/etc/ssl/openssl.cnf", "${dirname(process.execPath)}"] });
      console.log(version);
      replaceProcess(process.execPath, [process.execPath, "${deeds}", "${inside}", "${outside}"]);
    `;
    const words = ["--input-type=module", "-e", script];
    const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    const [version, ...reports] = stdout.trim().split("\n");
    assert.ok(Number(version) >= 2, `this kernel has no Landlock: ${stderr}`);
    assert.equal(reports.length, 2, stderr);
    for (const line of reports) {
      assert.deepEqual(JSON.parse(line), {
        write: "done", read: "EACCES", make: "EACCES", list: "EACCES", remove: "EACCES",
        move: "EACCES", status: "NoNewPrivs:\t1",
      });
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("capabilities that are not kept are gone from the process and from what it becomes", () => {
  const script = `
    import { CAPABILITY, confine, replaceProcess } from "${index}";
    confine({ capabilities: [CAPABILITY.chown, CAPABILITY.mknod], writable: [], readable: ["/"] });
    replaceProcess("/bin/cat", ["cat", "/proc/self/status"]);
  `;
  const words = ["--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  for (const set of ["CapPrm", "CapEff", "CapBnd"]) {
    const expected = process.getuid?.() === 0 ? "0000000008000001" : undefined;
    const found = new RegExp(`${set}:\\t(\\w+)`).exec(stdout)?.[1];
    if (expected !== undefined) assert.equal(found, expected, `${set}: ${stderr}`);
    else assert.match(String(found), /^0+$/);
  }
});
