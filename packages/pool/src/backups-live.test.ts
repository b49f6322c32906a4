/** Copies of the metadata of a pool in use: each is one state of it, and brings all of it back. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { cannotServe, LivePool, MiB, run, runBeside } from "./live.fixture.ts";
import { DEFAULT_PROTECTION } from "./protection.ts";
import { backupNames } from "./rolling-backups.ts";

const LIVE = { skip: cannotServe, timeout: 60_000 };
const lv1 = { name: "lv1", deviceId: 1, sizeBytes: 512 * MiB, readOnly: false };

const live = new LivePool(700 * MiB);
const directory = mkdtempSync(join(tmpdir(), `mortar-backups-${process.pid}-`));
after(async () => {
  await live.close();
  rmSync(directory, { recursive: true });
});

function newest(): string | undefined {
  try {
    return backupNames(directory).at(-1);
  } catch {
    return undefined;
  }
}

/** The next copy after that one; undefined when nothing writes to the pool any more. */
async function afterNext(
  name: string | undefined,
  isWritten: () => boolean,
): Promise<string | undefined> {
  while (isWritten()) {
    const found = newest();
    if (found !== undefined && found !== name) return found;
    await sleep(20);
  }
  return undefined;
}

test("metadata is copied under load, each copy is a pool, and only some are kept", LIVE, async () => {
  const backups = { directory, keep: 3, everyMs: 150 };
  const spec = { ...live.spec(640 * MiB, [lv1]), protection: { ...DEFAULT_PROTECTION, backups } };
  const client = await live.start(spec);
  const loop = live.attach("lv1");
  const how = ["--rw=randwrite", "--bs=4k", "--size=448m", "--time_based", "--runtime=3"];
  const engine = ["--ioengine=libaio", "--iodepth=8", "--direct=1", "--randrepeat=0"];
  const fio = runBeside("fio", "--name=b", `--filename=${loop}`, ...how, ...engine);
  const text = join(directory, "dump.xml");
  const metadata = join(directory, "tmeta");
  let isWritten = true;
  const ended = fio.finally(() => (isWritten = false));
  let rounds = 0;
  for (
    let last = await afterNext(undefined, () => isWritten);
    last !== undefined;
    last = await afterNext(last, () => isWritten)
  ) {
    writeFileSync(text, gunzipSync(readFileSync(join(directory, last))));
    writeFileSync(metadata, Buffer.alloc(4 * MiB));
    run("thin_restore", "-i", text, "-o", metadata);
    run("thin_check", metadata);
    rounds += 1;
  }
  assert.ok(rounds > 0, "copies under load");
  assert.equal((await ended).code, 0);
  assert.ok(backupNames(directory).length <= 3);
  await live.detach(loop, client, "lv1");
  await sleep(1500); // The last commit, and a copy of it.
  const quiet = newest();
  await sleep(500);
  assert.equal(newest(), quiet, "a pool that does not change is not copied again");
  assert.equal(statSync(join(directory, quiet!)).mode & 0o777, 0o600);
  await client.stop();
  live.checkMetadata();
});
