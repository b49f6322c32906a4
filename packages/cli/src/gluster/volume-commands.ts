/** `gluster volume …`: the grammar table, and what each command asks and sends. */
import type { Answer, Problem, VolumeStatus } from "@mortar/api";
import { element } from "../xml.ts";
import { type Presentation, cliOutput, operationOutput, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { familyHelp } from "./help.ts";
import { volumeBrickCommands } from "./volume-brick-commands.ts";
import { volumeExchangeCommands } from "./volume-exchange-commands.ts";
import { volumeChangeCommands } from "./volume-change-commands.ts";
import { confirmedFragments } from "./volume-fragments.ts";
import { confirmTwoCopies, parseVolumeCreate } from "./volume-create.ts";
import { optionGet, optionReset, optionSet } from "./volume-option-commands.ts";
import { volumeInfoText } from "./volume-print.ts";
import { type ReportView, questionOf, reportText } from "./volume-report-print.ts";
import { keepsCopies, onlyDaemon, type StatusDaemon, statusDaemonOf } from "./volume-status-daemon.ts";
import { statusDetailText, statusText, taskText } from "./volume-status-print.ts";
import { volumeHealCommand } from "./volume-heal.ts";
import { volumeTopCommands } from "./volume-top-commands.ts";
import { unsupportedVolumeCommands } from "./volume-unsupported.ts";
import { volumeInfoXml, volumeStatusXml } from "./volume-xml.ts";

export const volumeCommands: readonly GlusterCommand[] = [
  volumeHealCommand,
  ...unsupportedVolumeCommands,
  ...volumeBrickCommands,
  ...volumeTopCommands,
  ...volumeChangeCommands,
  ...volumeExchangeCommands,
  {
    words: ["volume", "create"],
    usage:
      "volume create <NEW-VOLNAME> [[replica <COUNT> [arbiter <COUNT>]]|[replica 2 " +
      "thin-arbiter 1]] [disperse [<COUNT>]] [disperse-data <COUNT>] [redundancy <COUNT>] " +
      "[transport <tcp|rdma|tcp,rdma>] <NEW-BRICK> <TA-BRICK>... [force]",
    help: "create a new volume of specified type with mentioned bricks",
    run: create,
  },
  {
    words: ["volume", "delete"],
    usage: "volume delete <VOLNAME>",
    help: "delete volume specified by <VOLNAME>",
    run: remove,
  },
  {
    words: ["volume", "get"],
    usage: "volume get <VOLNAME|all> <key|all>",
    help:
      "Get the value of the all options or given option for volume <VOLNAME> or all option. " +
      "gluster volume get all all is to get all global options",
    run: optionGet,
  },
  {
    words: ["volume", "help"],
    usage: "volume help",
    help: "display help for volume commands",
    async run({ io }) {
      io.stdout.write(familyHelp("volume", volumeCommands));
      return 0;
    },
  },
  {
    words: ["volume", "info"],
    usage: "volume info [all|<VOLNAME>]",
    help: "list information of all volumes",
    run: info,
  },
  {
    words: ["volume", "list"],
    usage: "volume list",
    help: "list all volumes in cluster",
    run: list,
  },
  {
    words: ["volume", "reset"],
    usage: "volume reset <VOLNAME> [option] [force]",
    help: "reset all the reconfigured options",
    run: optionReset,
  },
  {
    words: ["volume", "set"],
    usage: "volume set <VOLNAME> group <GROUP>",
    help:
      "This option can be used for setting multiple pre-defined volume options where " +
      "group_name is a file under /var/lib/glusterd/groups containing one key value pair per line",
    run: optionSet,
  },
  {
    // The second pattern of the same words: help lists both, usage shows the one above.
    words: ["volume", "set"],
    usage: "volume set <VOLNAME> <KEY> <VALUE>",
    help: "set options for volume <VOLNAME>",
    run: optionSet,
  },
  {
    words: ["volume", "start"],
    usage: "volume start <VOLNAME> [force]",
    help: "start volume specified by <VOLNAME>",
    run: start,
  },
  {
    words: ["volume", "status"],
    usage:
      "volume status [all | <VOLNAME> [nfs|shd|<BRICK>|quotad]] " +
      "[detail|clients|mem|inode|fd|callpool|tasks|client-list]",
    help: "display status of all or specified volume(s)/brick",
    run: status,
  },
  {
    words: ["volume", "stop"],
    usage: "volume stop <VOLNAME> [force]",
    help: "stop volume specified by <VOLNAME>",
    run: stop,
  },
];

async function create(session: Session, args: readonly string[]): Promise<number> {
  const parsed = parseVolumeCreate(args);
  if (parsed.replica === 2) await confirmTwoCopies(session);
  const body = { ...parsed, ...(await confirmedFragments(session, parsed)) };
  const client = await session.client();
  return present(session, await client.volumeCreate(body), {
    text: ({ name }) => `volume create: ${name}: success: please start the volume to access data\n`,
    xml: ({ name, id }) => [volumeXml("volCreate", name, id)],
    failed: `volume create: ${body.name}: failed: `,
  });
}

async function start(session: Session, args: readonly string[]): Promise<number> {
  const { volume, force } = volumeAndForce(args);
  const client = await session.client();
  const answer = await client.volumeStart(volume, { force });
  return present(session, answer, changed(volume, "start", "volStart"));
}

async function stop(session: Session, args: readonly string[]): Promise<number> {
  const { volume, force } = volumeAndForce(args);
  const confirmation = await session.confirm(
    "Stopping volume will make its data inaccessible. Do you want to continue?",
  );
  if (confirmation !== "yes") return 0;
  const client = await session.client();
  const answer = await client.volumeStop(volume, { force });
  return present(session, answer, changed(volume, "stop", "volStop"));
}

async function remove(session: Session, args: readonly string[]): Promise<number> {
  const [volume] = args;
  if (volume === undefined || args.length > 1) throw new UsageError();
  const confirmation = await session.confirm(
    "Deleting volume will erase all information about the volume. Do you want to continue?",
  );
  if (confirmation !== "yes") return 0;
  const client = await session.client();
  return present(session, await client.volumeDelete(volume), changed(volume, "delete", "volDelete"));
}

function volumeAndForce(args: readonly string[]): { volume: string; force: boolean } {
  const [volume, force] = args;
  if (volume === undefined || args.length > 2) throw new UsageError();
  if (force !== undefined && force !== "force") throw new UsageError();
  return { volume, force: force !== undefined };
}

function changed(
  volume: string,
  verb: string,
  xmlName: string,
): Presentation<{ name: string; id: string }> {
  return {
    text: ({ name }) => `volume ${verb}: ${name}: success\n`,
    xml: ({ name, id }) => [volumeXml(xmlName, name, id)],
    failed: `volume ${verb}: ${volume}: failed: `,
  };
}

function volumeXml(operation: string, name: string, id: string) {
  return element(operation, [element("volume", [element("name", name), element("id", id)])]);
}

async function info(session: Session, args: readonly string[]): Promise<number> {
  const [volume = "all"] = args;
  if (args.length > 1) throw new UsageError();
  const client = await session.client();
  if (volume === "all") {
    const answer = await client.volumeInfoAll();
    if (answer.ok && answer.result.length === 0 && session.format === "text") {
      session.io.stderr.write("No volumes present\n");
      return 0;
    }
    return present(session, answer, { text: volumeInfoText, xml: volumeInfoXml, failed: "" });
  }
  const answer = await client.volumeInfo(volume);
  if (!answer.ok && session.format === "xml" && answer.problem.type === "volume-missing") {
    session.io.stdout.write(
      cliOutput(-1, VOLUME_MISSING, "Volume does not exist", volumeInfoXml([])),
    );
    return session.strict ? 0 : 1;
  }
  return present(session, answer, {
    text: (it) => volumeInfoText([it]),
    xml: (it) => volumeInfoXml([it]),
    failed: "",
  });
}

/** GlusterFS's number for a volume that does not exist. */
const VOLUME_MISSING = 30806;

async function list(session: Session, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw new UsageError();
  const client = await session.client();
  const answer = await client.volumeInfoAll();
  if (answer.ok && answer.result.length === 0 && session.format === "text") {
    session.io.stderr.write("No volumes present in cluster\n");
    return 0;
  }
  const names: Answer<string[]> = answer.ok
    ? { ...answer, result: answer.result.map((volume) => volume.name) }
    : answer;
  return present(session, names, {
    text: (volumes) => volumes.map((name) => `${name}\n`).join(""),
    xml: (volumes) => [
      element("volList", [
        element("count", volumes.length),
        ...volumes.map((name) => element("volume", name)),
      ]),
    ],
    failed: "volume list: failed: ",
  });
}

type StatusView = "processes" | "detail" | "tasks" | ReportView;

interface StatusRequest {
  readonly volume: string | undefined;
  readonly brick: string | undefined;
  readonly daemon?: StatusDaemon;
  readonly view: StatusView;
}

async function status(session: Session, args: readonly string[]): Promise<number> {
  const { volume, brick, daemon, view } = parseStatus(args);
  const client = await session.client();
  const detail = view === "detail";
  const asked = { detail, ...(isReport(view) ? { view: questionOf[view] } : {}) };
  if (volume === undefined) {
    const answer = await client.volumeStatusAll(asked);
    if (answer.ok && answer.result.length === 0 && session.format === "text") {
      session.io.stderr.write("No volumes present\n");
      return 0;
    }
    if (answer.ok && session.format === "text") warnNotStarted(session, answer.result);
    return present(session, answer, statusPresentation(view, false));
  }
  const query = { ...asked, ...(brick === undefined ? {} : { brick }) };
  const answer = await client.volumeStatus(volume, query);
  if (!answer.ok) return present(session, answer, statusPresentation(view, true));
  if (!answer.result.started) {
    return present(session, { ok: false, problem: notStarted(volume) }, statusPresentation(view, true));
  }
  if (daemon === undefined) {
    const one = { ...answer, result: [answer.result] };
    return present(session, one, statusPresentation(view, brick !== undefined));
  }
  const asInfo = await client.volumeInfo(volume);
  const one = asInfo.ok ? onlyDaemon(daemon, answer.result, { copies: keepsCopies(asInfo.result) }) : asInfo;
  return present(session, one, statusPresentation(view, true));
}

/** Throws `UsageError`. */
function parseStatus(args: readonly string[]): StatusRequest {
  const [first = "all", second, third] = args;
  const volume = first === "all" ? undefined : first;
  if (args.length > 3) throw new UsageError();
  if (second === undefined) return { volume, brick: undefined, view: "processes" };
  const view = viewOf(second);
  const daemon = statusDaemonOf(second, volume);
  if (third === undefined) {
    if (daemon !== undefined) return { volume, brick: undefined, daemon, view: "processes" };
    if (view !== undefined) return { volume, brick: undefined, view };
    if (volume === undefined) throw new UsageError(`${second} is not a valid status option`);
    return { volume, brick: second, view: "processes" };
  }
  const thirdView = viewOf(third);
  if (volume === undefined) throw new UsageError('Cannot specify brick/nfs for "all"');
  if (daemon !== undefined && thirdView !== undefined) {
    throw new UsageError(`volume status: ${third} of ${second} is not supported by this version of Mortar.`);
  }
  if (thirdView === undefined || view !== undefined || daemon !== undefined) {
    throw new UsageError(`${third} is not a valid status option`);
  }
  return { volume, brick: second, view: thirdView };
}

function viewOf(word: string): StatusView | undefined {
  if (word === "detail" || word === "tasks" || isReport(word)) return word;
  return undefined;
}

function isReport(word: string): word is ReportView {
  return Object.hasOwn(questionOf, word);
}

function statusPresentation(view: StatusView, oneBrick: boolean): Presentation<VolumeStatus[]> {
  const texts = { processes: statusText(oneBrick), detail: statusDetailText, tasks: taskText };
  const text = isReport(view) ? reportText(view) : texts[view];
  return {
    text: (volumes) => volumes.map(text).join(""),
    xml: (volumes) => volumeStatusXml(volumes, { view, tasks: !oneBrick }),
    failed: "",
    xmlFailed: (problem) => operationOutput("volStatus", problem.opErrstr),
  };
}

function warnNotStarted(session: Session, volumes: readonly VolumeStatus[]): void {
  for (const volume of volumes) {
    if (!volume.started) session.io.stderr.write(`Volume ${volume.name} is not started\n`);
  }
}

/** GlusterFS's number for what went wrong inside. */
const INTERNAL = 30800;

function notStarted(volume: string): Problem {
  return {
    type: "volume-not-started",
    title: "The volume is not started",
    status: 409,
    detail: `Volume ${volume} is not started`,
    opErrno: INTERNAL,
    opErrstr: `Volume ${volume} is not started`,
    object: volume,
    nextStep: `mortar volume start ${volume}`,
    details: [],
    warnings: [],
  };
}
