/** `snapshot schedule …` and `snapshot prune`: Mortar's own commands. */
import type { Answer, Schedule } from "@mortar/api";
import { element } from "../xml.ts";
import { type Presentation, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { pruneText, runText, schedulesText, scheduleText } from "./schedule-print.ts";
import { readSettings } from "./schedule-settings.ts";
import { wordOptions } from "./word-options.ts";

const options =
  "[--keep POLICY] [--time-zone ZONE] [--jitter DURATION] [--missed once|skip]";

export const scheduleCommands: readonly GlusterCommand[] = [
  {
    words: ["snapshot", "schedule", "add"],
    usage: `snapshot schedule add <name> <"cron" | "policy"> <volname>... ${options}`,
    help: "Have snapshots made and pruned by the clock.",
    more:
      "Several volumes are taken at one moment. Without --keep all stay. Examples:\n" +
      '    mortar snapshot schedule add nightly "0 2 * * *" vms --time-zone Europe/Berlin\n' +
      '    mortar snapshot schedule add vms "hourly 24, daily 7, weekly 4, monthly 12" vms',
    family: "mortar",
    run: add,
  },
  {
    words: ["snapshot", "schedule", "edit"],
    usage: `snapshot schedule edit <name> ["cron" | "policy" [<volname>...]] [--cron CRON] ${options}`,
    help: "Change a schedule; what is not given stays.",
    more: 'Example: mortar snapshot schedule edit nightly --keep "daily 14"',
    family: "mortar",
    run: edit,
  },
  {
    words: ["snapshot", "schedule", "list"],
    usage: "snapshot schedule list [<name>]",
    help: "Show schedules, and when they are due, in UTC and in local time.",
    more: "Example: mortar snapshot schedule list --json",
    family: "mortar",
    run: list,
  },
  {
    words: ["snapshot", "schedule", "status"],
    usage: "snapshot schedule status",
    help: "Show whether snapshots are made by the clock.",
    more: "Example: mortar snapshot schedule status",
    family: "mortar",
    run: status,
  },
  {
    words: ["snapshot", "schedule", "init"],
    usage: "snapshot schedule init",
    help: "Nothing is needed: every node runs schedules. For scripts written for snap_scheduler.py.",
    more: "Example: mortar snapshot schedule init",
    family: "mortar",
    run: init,
  },
  {
    words: ["snapshot", "schedule", "enable"],
    usage: "snapshot schedule enable [<name>]",
    help: "Enable a schedule, or all.",
    more: "Example: mortar snapshot schedule enable nightly",
    family: "mortar",
    run: (session, args) => set(session, args, true),
  },
  {
    words: ["snapshot", "schedule", "disable"],
    usage: "snapshot schedule disable [<name>]",
    help: "Disable a schedule, or all; what is due meanwhile is not made up for.",
    more: "Example: mortar snapshot schedule disable nightly",
    family: "mortar",
    run: (session, args) => set(session, args, false),
  },
  {
    words: ["snapshot", "schedule", "delete"],
    usage: "snapshot schedule delete <name>",
    help: "Forget a schedule; its snapshots stay.",
    more: "Example: mortar snapshot schedule delete nightly",
    family: "mortar",
    run: remove,
  },
  {
    words: ["snapshot", "schedule", "run"],
    usage: "snapshot schedule run <name> [--dry-run]",
    help: "Make a snapshot of a schedule at once, and prune.",
    more: "Example: mortar snapshot schedule run nightly --dry-run",
    family: "mortar",
    run,
  },
  {
    words: ["snapshot", "prune"],
    usage: "snapshot prune [--schedule <name>] [--dry-run]",
    help: "Remove what the policies of schedules do not keep.",
    more:
      "Snapshots that are held or locked, or that no schedule made, are never touched.\n" +
      "Example: mortar snapshot prune --schedule nightly --dry-run",
    family: "mortar",
    run: prune,
  },
];

const withoutXml = (result: unknown) => [element("output", JSON.stringify(result))];

function shown<T>(verb: string, text: (result: T) => string): Presentation<T> {
  return { text, xml: withoutXml, failed: `snapshot ${verb}: failed: ` };
}

async function add(session: Session, args: readonly string[]): Promise<number> {
  const { name, settings } = readSettings(args);
  const { volumes, cron, keep } = settings;
  if (volumes === undefined || (cron === undefined && keep === undefined)) throw new UsageError();
  const client = await session.client();
  const answer = await client.scheduleAdd({ ...settings, name, volumes });
  return present(session, answer, shown("schedule add", scheduleText));
}

async function edit(session: Session, args: readonly string[]): Promise<number> {
  const { name, settings } = readSettings(args);
  if (Object.keys(settings).length === 0) throw new UsageError();
  const client = await session.client();
  const answer = await client.scheduleEdit(name, settings);
  return present(session, answer, shown("schedule edit", scheduleText));
}

async function list(session: Session, args: readonly string[]): Promise<number> {
  const name = oneAtMost(args);
  const client = await session.client();
  const answer = await client.scheduleList(name === undefined ? {} : { name });
  return present(session, answer, shown("schedule list", schedulesText));
}

async function status(session: Session, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new UsageError();
  const client = await session.client();
  const answer: Answer<Schedule[]> = await client.scheduleList();
  return present(session, answer, shown("schedule status", statusText));
}

function statusText(schedules: readonly Schedule[]): string {
  const enabled = schedules.filter((it) => it.enabled).length;
  return `Snapshot scheduling: ${enabled} of ${schedules.length} schedules are enabled\n`;
}

async function init(session: Session, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new UsageError();
  const client = await session.client();
  const answer = await client.scheduleList();
  const text = () => "Nothing is to be done: every node of the pool runs schedules.\n";
  return present(session, answer, shown("schedule init", text));
}

async function set(session: Session, args: readonly string[], enabled: boolean): Promise<number> {
  const name = oneAtMost(args);
  const client = await session.client();
  const answer = await client.scheduleSet({ ...(name === undefined ? {} : { name }), enabled });
  const verb = enabled ? "enable" : "disable";
  return present(session, answer, shown(`schedule ${verb}`, schedulesText));
}

async function remove(session: Session, args: readonly string[]): Promise<number> {
  const name = oneAtMost(args);
  if (name === undefined) throw new UsageError();
  const client = await session.client();
  const text = () => `Schedule ${name} is deleted; its snapshots stay\n`;
  return present(session, await client.scheduleDelete(name), shown("schedule delete", text));
}

async function run(session: Session, args: readonly string[]): Promise<number> {
  const name = oneAtMost(args.filter((word) => word !== "--dry-run"));
  if (name === undefined) throw new UsageError();
  const client = await session.client();
  if (!args.includes("--dry-run")) {
    return present(session, await client.scheduleRun(name), shown("schedule run", runText));
  }
  const asked = await client.scheduleList({ name });
  if (!asked.ok) return present(session, asked, shown("schedule run", schedulesText));
  const volumes = asked.result[0]?.volumes.join(", ") ?? "";
  const answer = await client.schedulePrune({ name, dryRun: true });
  return present(session, answer, shown("schedule run", (plans) =>
    `It would make a snapshot of ${volumes}. Pruning, as of now:\n${pruneText(plans, true)}`,
  ));
}

async function prune(session: Session, args: readonly string[]): Promise<number> {
  const dryRun = args.includes("--dry-run");
  const { words, options: given } = wordOptions(
    args.filter((word) => word !== "--dry-run"), ["schedule"],
  );
  if (words.length > 0) throw new UsageError();
  const name = given.get("schedule");
  const client = await session.client();
  const answer = await client.schedulePrune({ dryRun, ...(name === undefined ? {} : { name }) });
  const exitCode = present(session, answer, shown("prune", (plans) => pruneText(plans, dryRun)));
  if (!answer.ok) return exitCode;
  return answer.result.some((it) => it.removals.some(({ removed }) => !removed)) ? 1 : exitCode;
}

function oneAtMost(args: readonly string[]): string | undefined {
  if (args.length > 1 || args[0]?.startsWith("-") === true) throw new UsageError();
  return args[0];
}
