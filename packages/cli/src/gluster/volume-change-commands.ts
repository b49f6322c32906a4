/** `gluster volume add-brick|remove-brick|rebalance`: what changes where a volume's files are. */
import type { RebalanceBody, RemoveBrickBody } from "@mortar/api";
import { element } from "../xml.ts";
import { operationOutput, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { checkBricks } from "./volume-create.ts";
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
  const bricks = force ? rest.slice(0, -1) : rest;
  refuseCount("add-brick", bricks);
  checkBricks(bricks);
  const client = await session.client();
  return present(session, await client.volumeAddBrick(volume, { bricks, force }), {
    text: () => "volume add-brick: success\n",
    xml: ({ name, id }) => [
      element("volAddBrick", [element("volume", [element("name", name), element("id", id)])]),
    ],
    failed: "volume add-brick: failed: ",
  });
}

/** Replica counts are changed in another way: their new bricks have to be healed. */
function refuseCount(verb: string, words: readonly string[]): void {
  if (words[0] !== "replica" && words[0] !== "arbiter") return;
  throw new UsageError(
    `volume ${verb}: changing the ${words[0]} count is not supported by this version of Mortar.`,
  );
}

const removeActions = ["start", "stop", "status", "commit", "force"] as const;

async function removeBrick(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...rest] = args;
  const action = removeActions.find((it) => it === rest.at(-1));
  const bricks = rest.slice(0, -1);
  if (volume === undefined || action === undefined || bricks.length === 0) throw new UsageError();
  refuseCount("remove-brick", bricks);
  checkBricks(bricks);
  const question = removeQuestion(action);
  if (question !== undefined && (await session.confirm(question)) !== "yes") return 0;
  const client = await session.client();
  const xmlName = { start: "volRemoveBrick", stop: "volRemoveBrick", status: "volRemoveBrick",
    commit: "volRemoveBrickCommit", force: "volRemoveBrickForce" }[action];
  return present(session, await client.volumeRemoveBrick(volume, { bricks, action }), {
    text: (report) => {
      if (action === "status") return taskTable(report);
      const success = `volume remove-brick ${action}: success\n`;
      if (action === "start") return `${success}ID: ${report.id ?? ""}\n`;
      if (action === "stop") {
        return `${taskTable(report)}${checkCompletion("remove-brick")}`;
      }
      return action === "commit" ? `${success}${COMMITTED}` : success;
    },
    xml: (report) => [element(xmlName, taskXml(report, removeActions.indexOf(action) + 1))],
    failed: `volume remove-brick ${action}: failed: `,
  });
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
