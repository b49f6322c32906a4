/**
 * Requests made of chance, as packages/mortard/src/http/fuzz.test.ts makes them in ./test, for as long as is asked: a new seed
 * each round. Nobody without a token reaches anything, a viewer nothing that takes more, and no request is answered by a
 * failure of the server.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Report } from "../interop/report.mjs";

const FUZZ = fileURLToPath(new URL("../../packages/mortard/dist/http/fuzz.test.js", import.meta.url));
const REQUESTS = 20_000;
const ROUND_MS_MAX = 600_000;

/**
 * @param {{ seed: number, minutes: number, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runRequests({ seed, minutes, log }) {
  const report = new Report(log);
  const untilMs = Date.now() + minutes * 60_000;
  let round = 0;
  for (; round === 0 || Date.now() < untilMs; round += 1) {
    const own = seed + 3 * round;
    report.scenario(`seeds ${own} to ${own + 2}`);
    const { status, stdout } = spawnSync(process.execPath, ["--enable-source-maps", "--test", FUZZ], {
      env: { ...process.env, MORTAR_FUZZ_SEED: String(own), MORTAR_FUZZ_REQUESTS: String(REQUESTS) },
      encoding: "utf8", timeout: ROUND_MS_MAX, maxBuffer: 64 * 1024 * 1024,
    });
    if (status !== 0) log(stdout);
    report.check(`${2 * REQUESTS} requests`, status === 0);
  }
  report.note(`${2 * REQUESTS * round} requests`);
  return report;
}
