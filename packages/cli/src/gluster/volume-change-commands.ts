/** `gluster volume add-brick|remove-brick|rebalance`: what changes where a volume's files are. */
import type { RebalanceBody, RemoveBrickBody } from "@mortar/api";
import { element } from "../xml.ts";
import { operationOutput, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { checkBricks, confirmTwoCopies } from "./volume-create.ts";
import { refuseNoBrick } from "./volume-exchange-commands.ts";
import { taskTable, taskXml } from "./volume-task-print.ts";

export const volumeChangeCommands: readonly GlusterCommand[] = [
  {
    words: ["volume", "add-brick"],
    usage:
      "volume add-brick <VOLNAME> [<replica> <COUNT> [arbiter <COUNT>]] <NEW-BRICK> ... [force]",
    help: "add brick to volume <VOLNAME>",
    run: addBrick,
  },
  {
    words: ["volume", "rebalance"],
    usage: "volume rebalance <VOLNAME> {{fix-layout start} | {start [force]|stop|status}}",
    help: "rebalance operations",
    run: rebalance,
  },
  {
    words: ["volume", "remove-brick"],
    usage:
      "volume remove-brick <VOLNAME> [replica <COUNT>] <BRICK> ... " +
      "<start|stop|status|commit|force>",
    help: "remove brick from volume <VOLNAME>",
    run: removeBrick,
  },
];

const checkCompletion = (what: string) =>
  `'${what}' process may be in the middle of a file migration.\n` +
  "The process will be fully stopped once the migration of the file is complete.\n" +
  `Please check ${what} process for completion before doing any further brick related tasks ` +
  "on the volume.\n";

async function addBrick(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...rest] = args;
  if (volume === undefined || rest.length === 0) throw new UsageError();
  const force = rest.at(-1) === "force";
  const words = force ? rest.slice(0, -1) : rest;
  const { bricks, ...counts } = copiesOf(words);
  if (counts.replica === 2 && !force) await confirmTwoCopies(session);
  checkBricks(bricks);
  const client = await session.client();
  return present(session, await client.volumeAddBrick(volume, { bricks, ...counts, force }), {
    text: () => "volume add-brick: success\n",
    xml: () => operationOutput("volAddBrick", "Add Brick successful"),
    failed: "volume add-brick: failed: ",
    xmlFailed: ({ opErrstr }) => operationOutput("volAddBrick", opErrstr),
  });
}

/** `replica N [arbiter 1]` in front of bricks. */
function copiesOf(words: string[]): {
  readonly bricks: string[];
  readonly replica?: number;
  readonly arbiter?: number;
} {
  // With a single word behind it, stock takes it for a brick.
  if (words.length < 3 || !isReplica(words[0])) return { bricks: words };
  const replica = countOf(words[1]);
  if (replica < 2) throw new UsageError("replica count should be greater than 1");
  if (words[2] !== "arbiter") return { bricks: words.slice(2), replica };
  const arbiter = countOf(words[3]);
  if (arbiter === 1 && replica === 3) return { bricks: words.slice(4), replica, arbiter };
  throw new UsageError(
    "For arbiter configuration, replica count must be 3 and arbiter count must be 1. " +
      "The 3rd brick of the replica will be the arbiter",
  );
}

function isReplica(word = ""): boolean {
  return word !== "" && "replica".startsWith(word);
}

/** As far as it is a number; 0 when it is none. */
function countOf(word: string | undefined): number {
  return Number(/^\+?([0-9]{1,4})/.exec(word ?? "")?.[1] ?? 0);
}

const removeActions = ["start", "stop", "status", "commit", "force"] as const;

async function removeBrick(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...rest] = args;
  if (volume === undefined) throw new UsageError();
  const { action, bricks, replica } = removalOf(rest);
  if (replica === 2 && action !== "force") await confirmTwoCopies(session);
  const question = removeQuestion(action);
  if (question !== undefined && (await session.confirm(question)) !== "yes") return 0;
  const client = await session.client();
  const counts = replica === undefined ? {} : { replica };
  const word = action === "force" ? "commit force" : action;
  const answer = await client.volumeRemoveBrick(volume, { bricks, action, ...counts });
  const asks = action === "status" || action === "stop";
  return present(session, answer, {
    text: (report) => {
      if (action === "status") return taskTable(report);
      const success = `volume remove-brick ${word}: success\n`;
      if (action === "start") return `${success}ID: ${report.id ?? ""}\n`;
      if (action === "stop") {
        return `${taskTable(report)}${checkCompletion("remove-brick")}`;
      }
      return action === "commit" ? `${success}${COMMITTED}` : success;
    },
    xml: (report) => [
      element("volRemoveBrick", taskXml(asks ? report : { ...report, nodes: [] })),
    ],
    xmlSuccess: asks ? "" : `Remove Brick ${word} successful`,
    failed: `volume remove-brick ${word}: failed: `,
    xmlFailed: () => [element("volRemoveBrick")],
  });
}

/** `[replica N] BRICK … ACTION`, as stock reads it; also of a dry run. */
export function removalOf(words: readonly string[]): {
  readonly action: RemoveBrickBody["action"];
  readonly bricks: string[];
  readonly replica?: number;
} {
  const action = removeActions.find((it) => it === words.at(-1));
  const named = words.slice(0, -1);
  const hasCount = named.length >= 2 && isReplica(named[0]);
  const bricks = hasCount ? named.slice(2) : named;
  if (action === undefined || bricks.length === 0) throw new UsageError();
  const replica = hasCount ? countOf(named[1]) : undefined;
  if (replica === 0) {
    throw new UsageError("replica count should be greater than 0 in case of remove-brick");
  }
  refuseNoBricks(bricks);
  return { action, bricks, ...(replica === undefined ? {} : { replica }) };
}

/** In other words than those for bricks that are to be made. */
function refuseNoBricks(bricks: readonly string[]): void {
  for (const [index, brick] of bricks.entries()) {
    refuseNoBrick(brick);
    if (bricks.indexOf(brick) < index) throw new UsageError(`Duplicate bricks found ${brick}`);
  }
}

const COMMITTED =
  "Check the removed bricks to ensure all files are migrated.\n" +
  "If files with data are found on the brick path, copy them via a gluster mount point before " +
  "re-purposing the removed brick. \n";

function removeQuestion(action: RemoveBrickBody["action"]): string | undefined {
  if (action === "force") {
    return "Remove-brick force will not migrate files from the removed bricks, so they will no " +
      "longer be available on the volume.\nDo you want to continue?";
  }
  if (action !== "start") return undefined;
  return "It is recommended that remove-brick be run with cluster.force-migration option " +
    "disabled to prevent possible data corruption. Doing so will ensure that files that receive " +
    "writes during migration will not be migrated and will need to be manually copied after the " +
    "remove-brick commit operation. Please check the value of the option and update accordingly." +
    " \nDo you want to continue with your current cluster.force-migration settings?";
}

async function rebalance(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...words] = args;
  const action = rebalanceAction(words.join(" "));
  if (volume === undefined || action === undefined) throw new UsageError();
  const client = await session.client();
  return present(session, await client.volumeRebalance(volume, { action }), {
    text: (report) => {
      const success = `volume rebalance: ${volume}: success`;
      if (action === "status") return `${taskTable(report)}${success}\n`;
      if (action === "stop") {
        return `${taskTable(report)}${checkCompletion("rebalance").replaceAll("'", "")}` +
          `${success}\n`;
      }
      return `${success}: Rebalance on ${volume} has been started successfully. Use rebalance ` +
        `status command to check status of the rebalance process.\nID: ${report.id ?? ""}\n\n`;
    },
    xml: (report) => [element("volRebalance", taskXml(report, operations[action]))],
    failed: `volume rebalance: ${volume}: failed: `,
    xmlFailed: (problem) => operationOutput("volRebalance", problem.opErrstr),
  });
}

function rebalanceAction(words: string): RebalanceBody["action"] | undefined {
  if (words === "start force") return "force";
  if (words === "fix-layout start") return "fix-layout";
  return (["start", "stop", "status"] as const).find((it) => it === words);
}

const operations = { start: 1, stop: 2, status: 3, "fix-layout": 4, force: 5 } as const;
