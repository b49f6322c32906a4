/**
 * What POSIX says of every call, asked through the stock client of our brick and of glusterfsd, with and without ACLs.
 * A case fails only if glusterfsd passes it and our brick does not; all others that do not pass are told.
 */
import { LiveBrick, missingForLive } from "../../packages/brick/dist/live.fixture.js";
import { compareOutcomes, posixOutcomes, UNCACHED_VOLUME } from "../../packages/brick/dist/posix-suite.fixture.js";
import { Report } from "../interop/report.mjs";

const MOUNTS = { "a plain mount": [], "a mount with ACLs": ["--acl"] };
const CASES_MIN = 2500;

/**
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runPosix({ log }) {
  const missing = missingForLive();
  if (missing !== undefined) throw new Error(missing);
  const report = new Report(log);
  for (const [name, words] of Object.entries(MOUNTS)) {
    report.scenario(name);
    const brick = new LiveBrick("posix", 34_000 + (process.pid % 1000), UNCACHED_VOLUME);
    try {
      await brick.prepare();
      await brick.startStock();
      const peer = await posixOutcomes(brick, "stock", words);
      await brick.stop();
      await brick.startOurs();
      const ours = await posixOutcomes(brick, "ours", words);
      const { both, onlyPeer, onlyOurs, neither } = compareOutcomes(ours, peer);
      for (const line of onlyOurs) report.note(`only ours passes: ${line}`);
      for (const line of neither) report.note(`neither passes: ${line}`);
      for (const line of onlyPeer) report.check(`glusterfsd passes: ${line}`, false);
      report.check(`${both} of ${ours.size} cases pass on both`, both > CASES_MIN);
      report.note(`ours fails ${onlyPeer.length + neither.length}, glusterfsd ${onlyOurs.length + neither.length}`);
    } finally {
      await brick.remove();
    }
  }
  return report;
}
