// Replica 3 under the stock client: a brick comes back, and has another object under a name than
// the others. The client looks the name up before it moves what is there, and heals it then.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { getXattr } from "@mortar/linux";
import { HealVolume, missingForHeal } from "./heal.fixture.ts";
import type { Engine } from "./heal.fixture.ts";
import { run, until } from "./live.fixture.ts";

const reason = missingForHeal();
const options = { timeout: 120_000, ...(reason === undefined ? {} : { skip: reason }) };
const VICTIM = 1;
/** Longer than what the kernel and the client keep of a name. */
const FORGOTTEN_MS = 2500;

const connections = (volume: HealVolume): number =>
  volume.log("client.log").split(/Connected, attached to remote volume/).length - 1;

interface Outcome {
  /** What each brick has under the name to which the client moved a file: gfid and content. */
  readonly bricks: readonly string[];
  /** What the client has said since the brick was back. */
  readonly log: string;
}

async function move(engine: Engine): Promise<Outcome> {
  const volume = new HealVolume("replica", [engine, engine, engine]);
  try {
    await volume.prepare();
    await volume.startAll();
    // Without the self-heal daemon: nobody else makes the name right.
    await volume.mount();
    await until("three bricks", () => connections(volume) === 3);
    const at = (name: string): string => join(volume.mountPoint, name);
    await writeFile(at("old"), "old");
    await writeFile(at("new"), "new");
    await volume.kill(VICTIM);
    await run("mv", [at("new"), at("old")]);
    await volume.start(VICTIM);
    await until("the brick again", () => connections(volume) === 4);
    const { length } = volume.log("client.log");
    await delay(FORGOTTEN_MS);
    await run("mv", [at("old"), at("moved")]);
    const bricks = volume.bricks.map(({ path }) => {
      const file = join(path, "moved");
      const gfid = getXattr(file, "trusted.gfid") ?? new Uint8Array(0);
      return `${Buffer.from(gfid).toString("hex")} ${readFileSync(file, "utf8")}`;
    });
    return { bricks, log: volume.log("client.log").slice(length) };
  } finally {
    await volume.remove();
  }
}

for (const engine of ["glusterfsd", "builtin"] as const) {
  test(`no brick moves a stale file: ${engine}`, options, async () => {
    const { bricks, log } = await move(engine);
    const [first] = bricks;
    assert.match(first!, /^[0-9a-f]{32} new$/);
    assert.deepEqual(bricks, [first, first, first], log);
  });
}
