/** `gluster volume heal …`. */
import { operationOutput, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";

export const volumeHealCommand: GlusterCommand = {
  words: ["volume", "heal"],
  usage:
    "volume heal <VOLNAME> [enable | disable | full |statistics [heal-count [replica " +
    "<HOSTNAME:BRICKNAME>]] |info [summary | split-brain] |split-brain {bigger-file <FILE> | " +
    "latest-mtime <FILE> |source-brick <HOSTNAME:BRICKNAME> [<FILE>]} |granular-entry-heal " +
    "{enable | disable}]",
  help: "self-heal commands on volume specified by <VOLNAME>",
  run: heal,
};

const switches = ["enable", "disable"];
const later = ["info", "statistics", "split-brain"];

async function heal(session: Session, args: readonly string[]): Promise<number> {
  const [volume, word, value] = args;
  if (volume === undefined) throw new UsageError();
  if (word === undefined || (word === "full" && args.length === 2)) {
    return await start(session, volume, word === "full");
  }
  if (switches.includes(word) && args.length === 2) return await turn(session, volume, word);
  if (word === "granular-entry-heal" && switches.includes(value ?? "") && args.length === 3) {
    return await set(session, volume, "cluster.granular-entry-heal", value!);
  }
  if (!later.includes(word)) throw new UsageError();
  throw new UsageError(`volume heal: ${word} is not supported by this version of Mortar.`);
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

/** The option that switches the daemon is named after the kind of the volume. */
async function turn(session: Session, volume: string, word: string): Promise<number> {
  const client = await session.client();
  const answer = await client.volumeInfo(volume);
  const isDisperse = answer.ok && answer.result.type.endsWith("Disperse");
  const option = isDisperse ? "cluster.disperse-self-heal-daemon" : "cluster.self-heal-daemon";
  return await set(session, volume, option, word);
}

async function set(
  session: Session,
  volume: string,
  name: string,
  value: string,
): Promise<number> {
  const client = await session.client();
  const answer = await client.volumeOptionSet(volume, { options: [{ name, value }] });
  const what = `${value === "enable" ? "Enable" : "Disable"} heal on volume ${volume}`;
  return present(session, answer, {
    text: () => `${what} has been successful \n`,
    xml: () => operationOutput("volHeal", ""),
    failed: `${what} has been unsuccessful:\n`,
  });
}
