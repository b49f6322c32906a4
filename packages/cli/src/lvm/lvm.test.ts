import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { recordedGroups } from "../testing/recorded-groups.ts";
import { recorder } from "../testing/recorder.ts";
import { formatScenarios, parseScenarios } from "../testing/scenario.ts";
import { parseCommandLine } from "./command-line.ts";
import { changeOptions } from "./common-options.ts";
import { lvmTools, runLvm } from "./index.ts";
import { lvcreateOptions, readLvcreate } from "./lvcreate-request.ts";
import { LvmExit } from "./lvm-exit.ts";

process.env["TZ"] = "UTC";

/** Words as a shell would part them: quotes keep blanks, and there is nothing else. */
function words(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
}

async function output(command: string): Promise<string> {
  const [tool = "", ...args] = words(command);
  const io = recorder("");
  const code = await runLvm(tool, args, io, { root: undefined, groups: recordedGroups() });
  return `${io.marked()}exit ${code}`;
}

// Most outputs are those of LVM 2.03.16 itself. UPDATE=1 rewrites them, and the diff is to be read.
for (const file of ["lvm-reports", "lvm-usage"]) {
  test(`${file}: the printed lines are those of the file`, async () => {
    const path = new URL(`../../testdata/${file}.txt`, import.meta.url);
    const { comment, scenarios } = parseScenarios(readFileSync(path, "utf8"));
    const printed = [];
    for (const one of scenarios) printed.push({ ...one, output: await output(one.command) });
    if (process.env["UPDATE"] === "1") writeFileSync(path, formatScenarios(comment, printed));
    else assert.deepEqual(printed, scenarios);
  });
}

test("every command of LVM that is spoken has help, and none takes an unknown option", async () => {
  for (const tool of lvmTools) {
    assert.match(await output(`${tool} --help`), new RegExp(`^ {2}${tool} - .*exit 0$`, "s"));
    assert.match(await output(`${tool} --nonsense`), /unrecognized option '--nonsense'.*exit 3$/s);
  }
});

test("the forms of lvcreate are told apart", () => {
  const forms: Readonly<Record<string, string>> = {
    "--thin vg -L 1g": "pool vg - 1g -",
    "--thin vg -L 1g -n tank": "pool vg tank 1g -",
    "-T vg/tank -L 1g": "pool vg tank 1g -",
    "-T -L 1g vg/tank": "pool vg tank 1g -",
    "--type thin-pool -l 50%FREE -n tank vg": "pool vg tank 50%FREE -",
    "-L 1g -T vg/tank -V 2g -n lv": "pool vg tank 1g lv:2g",
    "-V 2g -T vg/tank -n lv": "thin vg tank lv 2g",
    "-V 2g -T /dev/vg/tank -n lv": "thin vg tank lv 2g",
    "--thinpool tank vg -V 2g": "thin vg tank - 2g",
    "--thinpool vg/tank -V 2g --name vg/lv": "thin vg tank lv 2g",
    "-s vg/lv -n snap": "snapshot vg lv snap",
    "-s -kn --name /dev/vg/snap /dev/vg/lv": "snapshot vg lv snap",
    "--snapshot /dev/vg/lv --setactivationskip n --name snap": "snapshot vg lv snap",
    "-T vg/lv": "snapshot vg lv -",
    "-L 5m vg": "linear vg - 5m",
    "-l 10 -n lv vg /dev/sdb": "linear vg lv 10",
    "-L5m -nlv vg": "linear vg lv 5m",
    "-i 2 -L 1g vg": "linear vg - 1g",
  };
  for (const [args, expected] of Object.entries(forms)) {
    const request = readLvcreate(parseCommandLine("lvcreate", lvcreateOptions, words(args)));
    assert.equal(summary(request), expected, args);
  }
});

function summary(request: ReturnType<typeof readLvcreate>): string {
  const { kind, vgName } = request;
  const begin = `${kind} ${vgName}`;
  if (request.kind === "thin") {
    return `${begin} ${request.pool} ${request.name ?? "-"} ${request.size}`;
  }
  if (request.kind === "snapshot") return `${begin} ${request.origin} ${request.name ?? "-"}`;
  const size = request.size.size ?? request.size.extents;
  if (request.kind === "linear") return `${begin} ${request.name ?? "-"} ${size}`;
  const { thin } = request;
  const inside = thin === undefined ? "-" : `${thin.name ?? "-"}:${thin.size}`;
  return `${begin} ${request.pool ?? "-"} ${size} ${inside}`;
}

test("what would make something else than was asked for is refused", () => {
  const refused = [
    "-m 1 -L 1g vg",
    "--type raid1 -L 1g vg",
    "-s -L 100m vg/lv",
    "-My --minor 5 -L 1g vg",
    "-Cy -L 1g vg",
    "--alloc anywhere -L 1g vg",
  ];
  for (const args of refused) {
    const line = parseCommandLine("lvcreate", lvcreateOptions, words(args));
    assert.throws(() => readLvcreate(line), LvmExit, args);
  }
});

test("options are read as getopt_long reads them", () => {
  const read = (...args: string[]) => parseCommandLine("lvrename", changeOptions, args);
  assert.deepEqual(read("a", "-fy", "--", "-b").names, ["a", "-b"]);
  assert.equal(read("--autob", "n").value("autobackup"), "n");
  assert.equal(read("--autobackup=y").value("autobackup"), "y");
  assert.equal(read("-An", "-Ay").value("autobackup"), "y");
  assert.equal(read("-qq").values("quiet").length, 2);
  assert.throws(() => read("--no"), /ambiguous; possibilities: '--nohints' '--nolocking'/);
  assert.throws(() => read("--yes=1"), /doesn't allow an argument/);
  assert.throws(() => read("-A"), /requires an argument -- 'A'/);
  assert.throws(() => read("-A", "q"), /Invalid argument for --autobackup: q/);
});
