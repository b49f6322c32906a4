/** `--dry-run` of destructive commands: the daemon is asked for the plan, and nothing is changed. */
import type { Plan, PlanBody } from "@mortar/api";
import { element } from "../xml.ts";
import { present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { removalOf } from "./volume-change-commands.ts";
import { detachOf } from "./peer-change.ts";
import { parseSnapshotConfig } from "./snapshot-config.ts";
import { exchangeOf, resetOf } from "./volume-exchange-commands.ts";
import { bytesText, gainText } from "./snapshot-space.ts";

const DRY_RUN = "--dry-run";

type Words = readonly string[];
type Choice = Omit<PlanBody, "command">;

/** How the command itself reads its words. */
const readings: { readonly [Command in PlanBody["command"]]?: (words: Words) => Choice } = {
  "snapshot delete": ([first, volume]) => {
    if (first === "all") return { all: true };
    return first === "volume" ? { volume: required(volume) } : { snapshot: required(first) };
  },
  "snapshot deactivate": ([snapshot]) => ({ snapshot: required(snapshot) }),
  "snapshot restore": (words) => {
    const [snapshot, , volume] = words.filter((word) => !word.startsWith("--"));
    return {
      snapshot: required(snapshot),
      safety: !words.includes("--no-safety"),
      online: words.includes("--online"),
      ...(volume === undefined ? {} : { volume }),
    };
  },
  "volume stop": ([volume]) => ({ volume: required(volume) }),
  "volume delete": ([volume]) => ({ volume: required(volume) }),
  "volume remove-brick": ([volume, ...words]) => {
    const { bricks, ...rest } = removalOf(words);
    return { volume: required(volume), bricks: [...bricks], ...rest };
  },
  "volume replace-brick": ([volume, ...words]) => ({
    volume: required(volume), bricks: [...exchangeOf(words)],
  }),
  "volume reset-brick": ([volume, ...words]) => {
    const { source, target, action } = resetOf(words);
    const bricks = target === undefined ? [source] : [source, target];
    return { volume: required(volume), bricks, action };
  },
  "peer detach": (words) => {
    const { host, force } = detachOf(words);
    return { host, ...(force ? { action: "force" } : {}) };
  },
  "snapshot config": (words) => {
    const request = parseSnapshotConfig(words);
    if (request.kind === "show") throw new UsageError();
    return request.change;
  },
  "snapshot schedule delete": ([name]) => ({ name: required(name) }),
  "snapshot bookmark": ([word, name]) => {
    if (word === "delete") return { name: required(name) };
    throw new UsageError(`Only "snapshot bookmark delete" has ${DRY_RUN}: nothing was done.`);
  },
};

function required(word: string | undefined): string {
  if (word === undefined) throw new UsageError();
  return word;
}

function nameOf(command: GlusterCommand): PlanBody["command"] {
  return command.words.join(" ") as PlanBody["command"];
}

/**
 * Throws UsageError for a command that knows no dry run: it must not be performed. One whose usage
 * names the option reads it by itself.
 */
export function wantsPlan(command: GlusterCommand, args: Words): boolean {
  if (!args.includes(DRY_RUN)) return false;
  if (Object.hasOwn(readings, nameOf(command))) return true;
  if (command.usage.includes(DRY_RUN)) return false;
  throw new UsageError(`${nameOf(command)} has no ${DRY_RUN}: nothing was done.`);
}

export async function showPlan(
  session: Session,
  command: GlusterCommand,
  args: Words,
): Promise<number> {
  const name = nameOf(command);
  const choice = readings[name]?.(args.filter((word) => word !== DRY_RUN)) ?? {};
  const client = await session.client();
  return present(session, await client.commandPlan({ command: name, ...choice }), {
    text: planText,
    xml: (plan) => [element("plan", planText(plan))],
    failed: `${name}: failed: `,
  });
}

const verbs = {
  stop: "stops", unmount: "unmounts", remove: "removes", keep: "keeps", replace: "replaces",
  heal: "heals", move: "moves", lose: "loses",
} as const;

function planText({ command, steps, pools, freedBytes }: Plan): string {
  const lines = steps.map(({ host, action, object, bytes }) => {
    const place = host === undefined ? "" : ` on ${host}`;
    const size = bytes === undefined ? "" : ` (${bytesText(bytes)})`;
    return `  ${verbs[action].padEnd(9)} ${object}${place}${size}\n`;
  });
  const nothing = steps.length === 0 ? "  nothing\n" : "";
  return (
    `${command}: dry run, nothing was changed. It would do this:\n${lines.join("")}${nothing}` +
    `${pools.map(gainText).join("")}It frees ${bytesText(freedBytes)}.\n`
  );
}
