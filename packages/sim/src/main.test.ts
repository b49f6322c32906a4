/** What every run of the tests adds: some seconds of histories that nobody has lived yet. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";

const runner = fileURLToPath(new URL("main.js", import.meta.url));
const NEW_SECONDS = 20;

/** Fails with all that the runner said, the command that repeats a failure at its end. */
async function run(...options: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const argv = ["--enable-source-maps", runner, ...options];
    execFile(process.execPath, argv, (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

test("every recorded seed keeps the promise that it once broke", async () => {
  assert.match(await run("--recorded"), /^\d+ recorded seeds, all well/);
});

test("new seeds break no promise", async () => {
  const said = await run("--total", String(NEW_SECONDS));
  const lines = said.trim().split("\n").filter((line) => line.includes("all well"));
  assert.ok(lines.length >= 5, said);
  for (const name of ["thin", "cluster"]) assert.ok(lines.some((it) => it.startsWith(`${name}: `)), said);
});

test("one seed is one history", async () => {
  const once = async (): Promise<string> =>
    (await run("--scenario", "thin", "--seed", "42")).replace(/ in .* s:/, ":");
  assert.equal(await once(), await once());
});

test("a scenario that does not exist is refused with those that do", async () => {
  await assert.rejects(run("--scenario", "thick"), /no scenario "thick"; there are: .*thin/s);
});
