import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { differences, normalised } from "./comparison.ts";
import { checkThinMetadata } from "./pool-on-disk.ts";
import { parseRecording } from "./recording.ts";
import { ScratchNode } from "./scratch-node.ts";
import { linesOf } from "./story-lines.ts";

const recordingFile = new URL("../testdata/seed-walkthrough.txt", import.meta.url);

// The session that started it all, typed under the stock names, on a kernel whatever it has: each
// line that the stock programs printed must come again.
test("the recorded session of stock GlusterFS and LVM runs on Mortar, line by line", async (t) => {
  const node = new ScratchNode();
  t.after(() => node.remove());
  const recording = parseRecording(readFileSync(recordingFile, "utf8"));
  const lineFor = linesOf(node);
  const found: string[] = [];
  let lvsCount = 0;
  for (const { command, output } of recording) {
    const line = lineFor(command);
    assert.ok(line !== undefined, `no line for the recorded command: ${command}`);
    if ("skip" in line) continue;
    if ("only" in line) {
      const { exitCode, output: text } = node.shell(line.only);
      assert.equal(exitCode, 0, `${line.only}\n${text}`);
      continue;
    }
    const ours = node.shell(line.run);
    if (command === "lvs") lvsCount += 1;
    const how = {
      names: namesOf(node),
      // A fresh pool of this size has these percentages, to two decimals.
      exactPercentages: lvsCount === 1,
      looseColumns: /^(?:lvs|ls)\b/.test(command),
    };
    const printed = onlyOurs(ours.output, node, command).filter((it) => !dropped(it, line.drop));
    const recorded = output.filter((it) => !dropped(it, line.drop));
    // Snapshots have random names, and lvs sorts by name.
    const inOrder = (lines: string[]) => (command.startsWith("lvs") ? lines.sort() : lines);
    const changes = differences(
      inOrder(normalised(printed, how)),
      inOrder(normalised(recorded, how)),
    );
    if (changes.length > 0) found.push(`$ ${command}`, ...changes);
    const failed = recorded.some((it) => it.includes("failed"));
    if ((ours.exitCode !== 0) !== failed) found.push(`$ ${command}: exit code ${ours.exitCode}`);
  }
  const { exitCode, output: goodbye } = node.shell(
    `umount ${node.directory}/cli; mortar down && losetup -d $(losetup -j bd-loop-thin -O NAME -n)`,
  );
  assert.equal(exitCode, 0, goodbye);
  assert.equal(found.join("\n"), "");
  await checkThinMetadata(
    {
      directory: node.directory,
      ok: async (command) => {
        const ran = node.shell(`cd ${node.directory} && ${command}`);
        assert.equal(ran.exitCode, 0, `${command}\n${ran.output}`);
        return await Promise.resolve(ran.output);
      },
    },
    "bd-loop-thin",
  );
  assert.deepEqual(node.left(), []);
});

function dropped(line: string, patterns: readonly RegExp[] = []): boolean {
  return patterns.some((pattern) => pattern.test(line));
}

function namesOf(node: ScratchNode): (readonly [string, string])[] {
  return [
    [`${node.root}/run/gluster/snaps`, "/run/gluster/snaps"],
    [node.directory, ""],
    [node.address, "vm"],
    [node.group, "bd-vg"],
    ...loopNames(node),
  ];
}

function loopNames(node: ScratchNode): (readonly [string, string])[] {
  try {
    return [[node.loopOf("bd-loop-thin"), "/dev/loop0"]];
  } catch {
    return [];
  }
}

/** Other volume groups of this machine are not part of the story. */
function onlyOurs(output: string, node: ScratchNode, command: string): string[] {
  const lines = output === "" ? [] : output.replace(/\n$/, "").split("\n");
  if (!command.startsWith("lvs")) return lines;
  return lines.filter((line) => /^ +LV /.test(line) || line.split(/ +/)[2] === node.group);
}
