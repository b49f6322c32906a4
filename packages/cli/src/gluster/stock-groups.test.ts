import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { recorder } from "../testing/recorder.ts";
import { scriptedClient } from "../testing/scripted-client.ts";
import { runGluster } from "./run-gluster.ts";
import { stockGroups } from "./stock-groups.ts";

const directory = "/var/lib/glusterd/groups";
const skip = existsSync(directory) ? false : "apt-get install glusterfs-server, which has the groups";

const optionsOf = (text: string): string[] =>
  text.split("\n").map((it) => it.trim()).filter((it) => it !== "" && !it.startsWith("#"));

test("the groups are those that stock's packages have", { skip }, () => {
  assert.deepEqual(Object.keys(stockGroups).toSorted(), readdirSync(directory).toSorted());
  for (const [name, text] of Object.entries(stockGroups)) {
    assert.deepEqual(optionsOf(text), optionsOf(readFileSync(join(directory, name), "utf8")), name);
  }
});

test("a group is set also where stock's files are not installed", async () => {
  const io = recorder("");
  const answer = '< volumeOptionSet {"name":"v","id":"1f173d89-d74f-4cf2-8151-e048b0a5e928"}';
  const { client, finish } = scriptedClient([answer], () => undefined);
  const words = ["volume", "set", "v", "group", "nl-cache"];
  const code = await runGluster(words, io, { root: "/nonexistent", strict: true, client });
  finish();
  assert.equal(code, 0, io.text().stderr);
  assert.equal(io.text().stdout, "volume set: success\n");
});
