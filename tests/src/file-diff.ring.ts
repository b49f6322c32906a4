// `snapshot diff --files` over three nodes: distribute, replica and disperse. What it tells, done to
// the list of the earlier snapshot's paths, gives that of the later one's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { FileChange, FileDiffDone } from "@mortar/api";
import { DevCluster, nodeNumbers, skipCluster } from "./dev-cluster.ts";

const options = { skip: skipCluster, timeout: 240_000 };
const cluster = new DevCluster("f");
const layouts = { dist: "", copies: "replica 3", pieces: "disperse 3 redundancy 1" } as const;
type Layout = keyof typeof layouts;
const volumes = Object.keys(layouts) as Layout[];

before(async () => {
  if (skipCluster === false) await cluster.make();
});
after(async () => await cluster.close());

/** Bricks on thin volumes of their own: `sets` on each node. */
async function volumeOf(name: string, layout: string, sets: number): Promise<void> {
  const bricks: string[] = [];
  for (let set = 0; set < sets; set += 1) {
    for (const number of nodeNumbers) {
      const brick = `${cluster.hosts[number - 1]}:${cluster.root}/made${number}/${name}${set}/exp`;
      await cluster.ok(1, `mortar brick create ${brick} --size 400M --vg ${cluster.group}${number}`);
      bricks.push(brick);
    }
  }
  await cluster.ok(1, `gluster --mode=script volume create ${name} ${layout} ${bricks.join(" ")}`);
  await cluster.ok(1, `gluster volume start ${name} && mkdir ${name}`);
  const log = `-o log-file=${cluster.live.directory}/${name}.log`;
  await cluster.ok(1, `mount -t glusterfs ${log} ${cluster.hosts[0]}:/${name} ${name}`);
}

interface Told {
  readonly lines: string[];
  readonly done: FileDiffDone;
}

async function diff(from: string, to: string, more = ""): Promise<Told> {
  const text = await cluster.ok(2, `mortar snapshot diff ${from} ${to} --files --json ${more}`);
  const told = text.trimEnd().split("\n").map((it) => JSON.parse(it) as FileChange | { done: FileDiffDone });
  const last = told.pop();
  assert.ok(last !== undefined && "done" in last, "it came to its end");
  const lines = told.map((it) => {
    assert.ok("change" in it);
    const { change, path, formerPath, parts } = it;
    return [change, ...(formerPath === undefined ? [] : [`${formerPath} ->`]), path, ...parts].join(" ");
  });
  return { lines: lines.sort(), done: last.done };
}

const expected = [
  "added /d/made",
  "added /full",
  "added /full/a",
  "added /full/b",
  "modified /d/appended content",
  "modified /d/linked links",
  "modified /d/attributes mode xattr",
  "modified /d/mode mode",
  "modified /d/owner owner",
  "modified /d/same-size content",
  "modified /renamed/inner/deep content",
  "removed /d/gone",
  "removed /old",
  "removed /old/a",
  "renamed /d/here -> /e/there",
  "renamed /e/tree -> /renamed",
  "added /d/second",
].sort();

for (const volume of volumes) {
  test(`${volume}: each change is told, and nothing else`, options, async (context) => {
    await volumeOf(volume, layouts[volume], volume === "copies" ? 2 : 1);
    await cluster.ok(1, `cd ${volume} && mkdir -p d e/tree/inner old $(seq -f quiet/%g 20) && ` +
      "for n in appended attributes linked mode owner same-size gone here; do echo $n > d/$n; done && " +
      "echo 1 > e/tree/inner/deep && echo 2 > e/tree/inner/still && echo 3 > old/a && " +
      "for n in $(seq 20); do for m in 1 2 3; do echo $m > quiet/$n/$m; done; done && sync -f .");
    await cluster.ok(1, `gluster snapshot create ${volume}1 ${volume} no-timestamp`);
    await cluster.ok(1, `cd ${volume} && echo more >> d/appended && chmod 600 d/attributes && setfattr -n user.k -v v d/attributes && ` +
      "ln d/linked d/second && chmod 600 d/mode && chown 7:8 d/owner && " +
      "printf SAME | dd of=d/same-size conv=notrunc status=none && rm d/gone && mv d/here e/there && " +
      "mv e/tree renamed && echo 4 > renamed/inner/deep && rm -r old && mkdir full && touch full/a full/b && " +
      "echo made > d/made && touch -a quiet/1/1 && cat quiet/2/* > /dev/null && sync -f .");
    await cluster.ok(1, `gluster snapshot create ${volume}2 ${volume} no-timestamp`);
    const started = performance.now();
    const { lines, done } = await diff(`${volume}1`, `${volume}2`);
    context.diagnostic(`${done.entries} entries in ${Math.round(performance.now() - started)} ms`);
    assert.deepEqual(lines, [...expected, "modified /quiet/1/1 times"].sort());
    assert.deepEqual([done.added, done.removed, done.renamed], [5, 3, 2]);
    assert.match(await cluster.ok(3, `mortar snapshot diff ${volume}1 ${volume}2 --files`),
      /^M \/d\/appended {2}\(content 9 B -> 14 B\)$[^]*^5 added, 3 removed, 8 modified, 2 renamed; /m);
  });

  test(`${volume}: nothing differs from itself; the live volume is one to be compared with`, options, async () => {
    assert.deepEqual((await diff(`${volume}2`, "live")).lines, []);
    await cluster.ok(1, `echo now > ${volume}/now`);
    assert.deepEqual((await diff(`${volume}2`, volume)).lines, ["added /now"]);
    const back = await diff(`${volume}2`, `${volume}1`);
    assert.deepEqual([back.done.added, back.done.removed, back.done.renamed], [3, 5, 2]);
    const cut = await diff(`${volume}1`, `${volume}2`, "--limit 2");
    assert.deepEqual([cut.lines.length, cut.done.isCutOff], [2, true]);
  });
}

test("what is no snapshot of the volume is refused by name", options, async () => {
  assert.match((await cluster.run(1, "mortar snapshot diff dist1 none --files")).stderr, /none/);
  assert.match((await cluster.run(1, "mortar snapshot diff dist1 copies1 --files")).stderr, /copies1/);
});

test("of 20,000 files only what changed is told", options, async (context) => {
  const many = "for d in $(seq 20); do mkdir -p many/$d && (cd many/$d && seq 1000 | xargs touch); done";
  await cluster.ok(1, `cd dist && ${many} && sync -f .`, 200);
  await cluster.ok(1, "gluster snapshot create many1 dist no-timestamp");
  await cluster.ok(1, "cd dist && echo 1 > many/7/7 && rm many/8/8 && mv many/9/9 many/10/nine && sync -f .");
  await cluster.ok(1, "gluster snapshot create many2 dist no-timestamp");
  const started = performance.now();
  const { lines, done } = await diff("many1", "many2");
  context.diagnostic(`${done.entries} entries in ${Math.round(performance.now() - started)} ms`);
  assert.deepEqual(lines, [
    "modified /many/7/7 content", "removed /many/8/8", "renamed /many/9/9 -> /many/10/nine",
  ]);
});
