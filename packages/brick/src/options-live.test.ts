// Options of a volume that the stock client shows: two mounts, one brick.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { missingForLive, run, withBrick } from "./live.fixture.ts";

const reason = missingForLive();
const options = { timeout: 120_000, ...(reason === undefined ? {} : { skip: reason }) };
const port = 45_000 + (process.pid % 4000) * 2;

const caching = {
  "performance.stat-prefetch": "on", "performance.cache-invalidation": "on",
  "performance.md-cache-timeout": "600", "features.cache-invalidation": "on",
  "performance.quick-read": "off", "performance.write-behind": "off",
};
const NO_KERNEL_CACHE = ["--attribute-timeout=0", "--entry-timeout=0"];
const seen = "what one mount has cached for minutes is right at once after a change by another";
test(seen, options, () => withBrick("upcall", port, async (brick) => {
  await brick.startOurs({ "features.cache-invalidation": "on" });
  brick.writeClientVolfile(caching);
  const second = join(brick.directory, "second");
  await brick.mount(NO_KERNEL_CACHE);
  await brick.mountAt(second, NO_KERNEL_CACHE);
  const [one, two] = [join(brick.mountPoint, "file"), join(second, "file")];
  const facts = (path: string): Promise<string> => run("stat", ["-c", "%s %a %u", path]);
  await run("sh", ["-c", `printf 1234 > ${one}`]);
  assert.equal(await facts(two), "4 644 0\n");
  for (let size = 5; size < 15; size++) {
    await run("sh", ["-c", `printf x >> ${one}`]);
    assert.equal(await facts(two), `${size} 644 0\n`);
  }
  await run("sh", ["-c", `chmod 600 ${two}; chown 7 ${two}`]);
  assert.equal(await facts(one), "14 600 7\n");
  await run("sh", ["-c", `truncate -s 0 ${two}`]);
  assert.equal(await facts(one), "0 600 7\n");
}));

test("the stock client mounts a directory of the volume as its root", options, () =>
  withBrick("subdir", port + 1, async (brick) => {
    await brick.startOurs();
    await brick.mount();
    await run("mkdir", ["-p", join(brick.mountPoint, "a/b")]);
    await run("touch", [join(brick.mountPoint, "a/above")]);
    const second = join(brick.directory, "second");
    await brick.mountAt(second, ["--subdir-mount=/a/b"]);
    const facts = await run("sh", ["-c", `cd ${second}; stat -c '%i %F' .; mkdir d; echo x > d/f;
      mv d/f g; ln g h; mv d e; ls -A; cat h; find . -printf '%p %y\\n' | sort`]);
    assert.equal(facts, "1 directory\ne\ng\nh\nx\n. d\n./e d\n./g f\n./h f\n");
    assert.equal(await run("sh", ["-c", `ls -A ${brick.mountPoint}/a/b`]), "e\ng\nh\n");
    await assert.rejects(brick.mountAt(join(brick.directory, "none"), ["--subdir-mount=/none"]));
  }));
