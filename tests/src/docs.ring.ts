// Every command block of the documentation is typed as it stands there, and prints what it shows.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { docBlocks, firstMissing } from "./doc-blocks.ts";
import { LiveNode } from "./live-node.ts";

const tree = fileURLToPath(new URL("../../", import.meta.url));
const counts = { run: 0, skipped: new Map<string, number>() };

function pages(): string[] {
  return ["README.md", ...readdirSync(join(tree, "docs")).filter((it) => it.endsWith(".md")).map((it) => `docs/${it}`)];
}

/** The names that pages use, and what they are here: [shown, meant]. */
function namesOf(node: LiveNode, disk: string): (readonly [string, string])[] {
  const { directory, group, address } = node;
  const [a = "", b = "", c = ""] = address.split(".");
  return [
    ["/dev/sdb", disk], ["/bricks", join(directory, "bricks")], ["/mnt/", `${directory}/mnt/`],
    ["/etc/mortar", join(node.root, "etc/mortar")], ["/var/tmp/try", join(directory, "try")],
    ["--network 127.1.1", `--network ${a}.${b}.${Number(c) ^ 128}`], ["vg0", group], ["n1:", `${address}:`],
  ];
}

function meant(text: string, names: readonly (readonly [string, string])[]): string {
  return names.reduce((so, [shown, real]) => so.replaceAll(shown, real), text);
}

for (const page of pages()) {
  const blocks = docBlocks(readFileSync(join(tree, page), "utf8"));
  if (blocks.length === 0) continue;
  for (const { skip, commands } of blocks) {
    if (skip !== undefined) counts.skipped.set(skip, (counts.skipped.get(skip) ?? 0) + commands.length);
  }
  const wanted = blocks.filter(({ skip }) => skip === undefined);
  if (wanted.length === 0) continue;
  test(`${page}: its commands do what it says`, { timeout: 400_000 }, async () => {
    const node = new LiveNode();
    try {
      await node.ok("truncate -s 3G disk.img && mkdir bricks mnt");
      const disk = (await node.ok("losetup --find --show disk.img")).trim();
      // What other tests leave for a moment is no disk of this node.
      const settings = JSON.stringify({ address: node.address, devices: [disk] });
      writeFileSync(join(node.root, "etc/mortar/mortar.json"), settings);
      const names = namesOf(node, disk);
      for (const { line, command, expected, exitCode } of wanted.flatMap((it) => it.commands)) {
        const ran = await node.run(`exec 2>&1\n${meant(command, names)}`, { seconds: 200 });
        const place = `${page}:${line}: ${command}\n${ran.stdout}`;
        assert.equal(ran.exitCode, exitCode, place);
        assert.equal(firstMissing(expected.map((it) => meant(it, names)), ran.stdout), undefined, place);
        counts.run += 1;
      }
    } finally {
      await node.run(`mortar dev --stop --root ${node.directory}/try 2>/dev/null`, { seconds: 100 });
      await node.close();
    }
  });
}

after(() => {
  console.log(`${counts.run} commands of the documentation were run`);
  for (const [reason, count] of counts.skipped) console.log(`${count} were not: ${reason}`);
});
