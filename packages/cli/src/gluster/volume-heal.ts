/** `gluster volume heal …`. */
import { operationOutput, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { healCount, healInfo, healStatistics } from "./volume-heal-report.ts";
import { presentHealRefusal, presentHealTool } from "./volume-heal-tool.ts";

export const volumeHealCommand: GlusterCommand = {
  words: ["volume", "heal"],
  usage:
    "volume heal <VOLNAME> [enable | disable | full |statistics [heal-count [replica " +
    "<HOSTNAME:BRICKNAME>]] |info [summary | split-brain] |split-brain {bigger-file <FILE> | " +
    "latest-mtime <FILE> |source-brick <HOSTNAME:BRICKNAME> [<FILE>]} |granular-entry-heal " +
    "{enable | disable}]",
  help: "self-heal commands on volume specified by <VOLNAME>",
  more:
    "info, and what ends a split-brain, are done by GlusterFS's glfsheal where this node has it;\n" +
    "without it, and with --json, info is told from the indices of the bricks.",
  run: heal,
};

const switches = ["enable", "disable"];

async function heal(session: Session, args: readonly string[]): Promise<number> {
  const [volume, word, ...rest] = args;
  if (volume === undefined) throw new UsageError();
  if (word === undefined) return await start(session, volume, false);
  if (rest.length === 0) {
    if (word === "full") return await start(session, volume, true);
    if (switches.includes(word)) return await turn(session, volume, word === "enable");
  }
  if (word === "info") return await healInfo(session, volume, rest);
  if (word === "statistics") return await statistics(session, volume, rest);
  if (word === "split-brain") return await splitBrain(session, volume, rest);
  const [value, ...more] = rest;
  if (word === "granular-entry-heal" && switches.includes(value ?? "") && more.length === 0) {
    return await turnGranular(session, volume, value === "enable");
  }
  throw new UsageError();
}

async function start(session: Session, volume: string, full: boolean): Promise<number> {
  const what = full ? "perform full self heal" : "perform index self heal";
  const client = await session.client();
  return present(session, await client.volumeHeal(volume, { full }), {
    text: () =>
      `Launching heal operation to ${what} on volume ${volume} has been successful \n` +
      "Use heal info commands to check status.\n",
    xml: () => operationOutput("volHeal", ""),
    failed: `Launching heal operation to ${what} on volume ${volume} has been unsuccessful:\n`,
  });
}

async function statistics(
  session: Session,
  volume: string,
  rest: readonly string[],
): Promise<number> {
  const [word, replica, brick, ...more] = rest;
  if (word === undefined) return await healStatistics(session, volume);
  const isOfSet = replica === "replica" && brick !== undefined;
  if (word !== "heal-count" || more.length > 0 || (replica !== undefined && !isOfSet)) {
    throw new UsageError();
  }
  return await healCount(session, volume, brick);
}

async function splitBrain(
  session: Session,
  volume: string,
  rest: readonly string[],
): Promise<number> {
  const [policy, ...words] = rest;
  const client = await session.client();
  if (policy === "bigger-file" || policy === "latest-mtime") {
    const [file, ...more] = words;
    if (file === undefined || more.length > 0) throw new UsageError();
    const answer = await client.volumeSplitBrain(volume, { policy, file });
    return presentHealTool(session, answer, (it) => it);
  }
  const [brick, file, ...more] = words;
  if (policy !== "source-brick" || brick === undefined || more.length > 0) throw new UsageError();
  if (!/^[^:]+:\//.test(brick)) {
    throw new UsageError(`Wrong brick type: ${brick}, use <HOSTNAME>:<export-dir-abs-path>`);
  }
  const chosen = { policy, brick, ...(file === undefined ? {} : { file }) } as const;
  return presentHealTool(session, await client.volumeSplitBrain(volume, chosen), (it) => it);
}

async function turn(session: Session, volume: string, enable: boolean): Promise<number> {
  const client = await session.client();
  const answer = await client.volumeHealSwitch(volume, { what: "daemon", enable });
  const what = `${enable ? "Enable" : "Disable"} heal on volume ${volume}`;
  return present(session, answer, {
    text: () => `${what} has been successful \n`,
    xml: () => operationOutput("volHeal", ""),
    failed: `${what} has been unsuccessful:\n`,
  });
}

/** Stock has its program look first: what that refuses is told in the program's way. */
async function turnGranular(session: Session, volume: string, enable: boolean): Promise<number> {
  const client = await session.client();
  const answer = await client.volumeHealSwitch(volume, { what: "granular-entries", enable });
  if (enable && !answer.ok) return presentHealRefusal(session, answer.problem);
  const what = `${enable ? "Enable" : "Disable"} granular entry heal on volume ${volume}`;
  return present(session, answer, {
    text: () => `${what} has been successful \n`,
    xml: () => operationOutput("volHeal", ""),
    failed: `${what} has been unsuccessful:\n`,
  });
}
