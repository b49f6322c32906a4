// What `npm install` gives a user: the public packages, packed, in a directory that knows nothing of this tree.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LiveNode } from "./live-node.ts";

interface Packed {
  readonly name: string;
  readonly file: string;
  readonly paths: readonly string[];
}

const packProgram = new URL("../../packaging/npm/pack.mjs", import.meta.url);
const { packPublic } = (await import(packProgram.href)) as {
  readonly packPublic: (target: string) => Packed[];
};
const tree = fileURLToPath(new URL("../../", import.meta.url));
const node = new LiveNode();
after(() => node.close());
const packed = packPublic(join(node.directory, "packs"));

test("a package has its licence, its README, what is built and its sources, and no test", () => {
  assert.ok(packed.length >= 20);
  assert.ok(!packed.some(({ name }) => name === "@mortar/sim"), "what only tests use is private");
  for (const { name, paths } of packed) {
    for (const file of ["LICENSE", "README.md", "package.json"]) assert.ok(paths.includes(file), `${name}: ${file}`);
    const isForeign = /\.(test|ring|fixture|sim)\.|tsbuildinfo|(^|\/)(testing|testdata)\/|\/fixtures\./;
    assert.deepEqual(paths.filter((path) => isForeign.test(path)), [], name);
    const maps = paths.filter((path) => path.endsWith(".js.map"));
    const sourceOf = (map: string): string => map.replace(/^dist/, "src").replace(/js\.map$/, "ts");
    assert.deepEqual(maps.filter((map) => !paths.includes(sourceOf(map))), [], `${name}: a map to nowhere`);
  }
});

test("installed from the packed files, it makes a pool, a thin volume and a started node", { timeout: 300_000 }, async () => {
  const place = join(node.directory, "app");
  mkdirSync(place);
  const files = packed.map(({ file }) => `'${file}'`).join(" ");
  await node.ok(`cd '${place}' && npm install --prefer-offline --no-audit --no-fund --omit=dev ${files} >&2`, {
    seconds: 200,
  });
  const used = await node.ok(`grep -rlF '${tree}' '${place}' || true`);
  assert.equal(used, "", "nothing refers to this tree");
  const mortar = `'${place}/node_modules/.bin/mortar' --root '${node.root}'`;
  const { version } = JSON.parse(
    readFileSync(join(tree, "packages/cli/package.json"), "utf8"),
  ) as { version: string };
  assert.equal(await node.ok(`${mortar} --version`), `mortar ${version}\n`);
  await node.ok("truncate -s 256M disk.img");
  const loop = (await node.ok("losetup --find --show disk.img")).trim();
  await node.ok(`${mortar} vgcreate ${node.group} ${loop}`);
  await node.ok(`${mortar} lvcreate --thin ${node.group} -L 128M -n pool`);
  await node.ok(`${mortar} lvcreate -V 64M -T ${node.group}/pool -n thin`);
  const pattern = "yes mortar | head -c 8M";
  await node.ok(`${pattern} | dd of=/dev/${node.group}/thin bs=1M conv=fsync iflag=fullblock status=none`);
  assert.equal(
    await node.ok(`dd if=/dev/${node.group}/thin bs=1M count=8 status=none | sha256sum`),
    await node.ok(`${pattern} | sha256sum`),
  );
  await node.ok(`${mortar} up`);
  const status = JSON.parse(await node.ok(`${mortar} status --json`)) as { node: { version: string } };
  assert.equal(status.node.version, version);
  await node.ok(`${mortar} down && losetup -d ${loop}`);
  assert.deepEqual(node.scratch.left(), []);
});
