import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { recorder } from "../testing/recorder.ts";
import { installedFiles } from "./install-files.ts";
import { runOwnVerb } from "./verbs.ts";

const UNITS = ["mortar.service", "mortard.service"];
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

function directoryFor(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), `mortar-install-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test("install writes what a dry run prints, and uninstall leaves nothing of it", async (context) => {
  const prefix = directoryFor(context);
  const root = "/";
  const dry = recorder("");
  assert.equal(await runOwnVerb("install", ["--dry-run", "--prefix", prefix], dry, { root }), 0);
  assert.deepEqual(readdirSync(prefix), []);
  for (let time = 0; time < 2; time += 1) {
    assert.equal(await runOwnVerb("install", ["--prefix", prefix], recorder(""), { root }), 0);
  }
  const paths = readdirSync(prefix, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map((it) => join(it.path, it.name));
  assert.equal(paths.length, 4);
  for (const path of paths) {
    assert.ok(dry.text().stdout.includes(`==> ${path} <==\n${readFileSync(path, "utf8")}`), path);
  }
  const gone = recorder("");
  assert.equal(await runOwnVerb("uninstall", [`--prefix=${prefix}`], gone, { root }), 0);
  assert.match(gone.text().stdout, /removed .*mortard\.service/);
  for (const path of paths) assert.ok(!existsSync(path));
  assert.equal(await runOwnVerb("uninstall", ["--prefix", prefix], gone, { root }), 0);
  assert.match(gone.text().stdout, /nothing is installed/);
});

test("a file that is not Mortar's is neither replaced nor removed", async (context) => {
  const prefix = directoryFor(context);
  const unit = join(prefix, "etc/systemd/system/mortar.service");
  mkdirSync(join(unit, ".."), { recursive: true });
  writeFileSync(unit, "[Unit]\n");
  for (const verb of ["install", "uninstall"]) {
    const io = recorder("");
    assert.equal(await runOwnVerb(verb, ["--prefix", prefix], io, { root: "/" }), 1);
    assert.match(io.text().stderr, /not made by Mortar, and left alone: .*mortar\.service/);
  }
  assert.equal(readFileSync(unit, "utf8"), "[Unit]\n");
});

test(
  "systemd finds nothing wrong with the units, also with strange paths",
  { skip: hasSystemd ? false : "needs systemd-analyze (apt-get install systemd)" },
  (context) => {
    for (const strange of [false, true]) {
      const directory = directoryFor(context);
      const programs = join(directory, strange ? "100% \"of\" $HOME" : "programs");
      mkdirSync(programs);
      const [mortar, mortard] = [join(programs, "mortar"), join(programs, "mortard")];
      const node = process.execPath;
      const root = strange ? programs : "/";
      for (const { path, text } of installedFiles({ root, node, mortar, mortard })) {
        const name = path.split("/").at(-1) ?? "";
        if (UNITS.includes(name)) writeFileSync(join(directory, name), text);
      }
      const run = spawnSync("systemd-analyze", ["verify", "--man=no", ...UNITS.map((name) => join(directory, name))], {
        encoding: "utf8",
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` },
      });
      const own = run.stderr.split("\n").filter((line) => line.includes("mortar"));
      assert.deepEqual(own, [], run.stderr);
      assert.equal(run.status, 0, run.stderr);
    }
  },
);

test("nothing that the units start is killed with them", () => {
  const programs = { node: "/usr/bin/node", mortar: "/m/main.js", mortard: "/d/main.js" };
  const files = installedFiles({ root: "/", ...programs });
  for (const unit of UNITS) {
    const text = files.find(({ path }) => path.endsWith(`/${unit}`))?.text ?? "";
    assert.match(text, /^KillMode=process$/m, unit);
    assert.match(text, /^SendSIGKILL=no$/m, unit);
  }
});
