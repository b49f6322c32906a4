/** Mortar's own verbs. Each is loaded when it is called. */
import type { CliIo } from "../io.ts";
import { brickHelp, brickUsage } from "./brick-help.ts";
import { completionHelp } from "../manual/completion-help.ts";
import { eventsHelp } from "./events-help.ts";
import { nbdHelp, nbdUsage } from "./nbd-help.ts";
import { problemJson, toldAsJson } from "../told-as-json.ts";
import { tokenHelp } from "./token-help.ts";
import { topHelp } from "./top-help.ts";
import { type NodeContext, type Verb, VerbError } from "./verb.ts";
import { webhookHelp } from "./webhook-help.ts";

interface VerbEntry {
  readonly usage: string;
  readonly help: string;
  readonly load: () => Promise<Verb>;
  /** Whether it knows `--json` itself, or has none; absent: its sentences are told as JSON (`told-as-json.ts`). */
  readonly json?: "own" | "none";
}

export const verbs: Readonly<Record<string, VerbEntry>> = {
  up: {
    usage: "mortar [--root DIR] up [--no-daemon]",
    help:
      "Start this node: the logical volumes and mounts that `down` took away, and mortard. At the\n" +
      "first time since the machine started: disks in files, the groups that were active, their\n" +
      "entries in fstab (automatic ones, and those with x-mortar), mounts of bricks.\n" +
      "Running already: nothing happens.\n" +
      "--no-daemon  all but mortard.\n\nExample: mortar up",
    load: async () => (await import("./up.ts")).up,
  },
  down: {
    usage: "mortar [--root DIR] down [--force]",
    help:
      "Stop this node: clients' mounts on this machine, bricks, their file systems, logical\n" +
      "volumes, pools, mortard. Refuses, and says who, while something uses a mount.\n" +
      "--force  take clients' mounts away although programs use them; file systems never.\n\n" +
      "Example: mortar down",
    load: async () => (await import("./down.ts")).down,
  },
  status: {
    usage: "mortar [--root DIR] status [--json]",
    help:
      "Show mortard, bricks, thin pools and mounts. Exit code 1 when mortard is not running.\n\n" +
      "Example: mortar status --json",
    json: "own",
    load: async () => (await import("./status.ts")).status,
  },
  events: {
    usage: "mortar [--root DIR] events [-f] [--limit N] [--json]",
    help: eventsHelp,
    json: "own",
    load: async () => (await import("./events.ts")).events,
  },
  top: {
    usage: "mortar [--root DIR] top [--interval N] [--once [--json]]",
    help: topHelp,
    json: "own",
    load: async () => (await import("./top.ts")).top,
  },
  token: {
    usage: "mortar [--root DIR] token create NAME --role ROLE [--days N] | list | revoke NAME",
    help: tokenHelp,
    json: "own",
    load: async () => (await import("./token.ts")).token,
  },
  webhook: {
    usage: "mortar [--root DIR] webhook add NAME URL [--events KIND,…] | list | test NAME | delete NAME",
    help: webhookHelp,
    json: "own",
    load: async () => (await import("./webhook.ts")).webhook,
  },
  audit: {
    usage: "mortar [--root DIR] audit [--limit N] [--json]",
    help:
      "Show what was changed through this node, and what was refused: when, by whom, from where.\n" +
      "The newest is last.\n\nExample: mortar audit --limit 10",
    json: "own",
    load: async () => (await import("./audit.ts")).audit,
  },
  install: {
    usage: "mortar [--root DIR] install [--dry-run] [--prefix DIR]",
    help:
      "Install units of systemd that start this node with the machine, and stop it in order.\n" +
      "--dry-run     print the files, and write nothing.\n" +
      "--prefix DIR  put them below DIR instead of /.\n\nExample: mortar install --dry-run",
    load: async () => (await import("./install.ts")).install,
  },
  uninstall: {
    usage: "mortar [--root DIR] uninstall [--dry-run] [--prefix DIR]",
    help:
      "Remove what `mortar install` installed. What runs goes on running.\n\n" +
      "Example: mortar uninstall --dry-run",
    load: async () => (await import("./install.ts")).uninstall,
  },
  upgrade: {
    usage: "mortar [--root DIR] upgrade [--bricks]",
    help:
      "Have this version of Mortar take over what another one runs: each pool's processes, one\n" +
      "after the other, under load, then mortard. Bricks and mounts go on. The same version\n" +
      "again: all are started anew. What does not come up in this version stays with the old.\n\n" +
      "--bricks  then this node's bricks, too, of volumes with copies: one after the other, each\n" +
      "          when all bricks of its volume are there and nothing is to be healed.\n\n" +
      "Example: mortar upgrade --bricks",
    load: async () => (await import("./upgrade.ts")).upgrade,
  },
  aliases: {
    usage: "mortar [--root DIR] aliases DIR",
    help:
      "Make commands in DIR under the stock names: gluster, glusterd, lvs, vgcreate, …\n" +
      "With DIR first in PATH, scripts written for GlusterFS and LVM run on Mortar.\n\n" +
      "Example: mortar aliases /opt/mortar/bin",
    load: async () => (await import("./aliases.ts")).aliases,
  },
  dev: {
    usage: "mortar dev [--nodes N] [--root DIR] [--network A.B.C] [--group NAME] | dev --stop",
    help:
      "Run a cluster of several nodes on this machine, to try it: each with an address of the\n" +
      "loopback network, a root directory, and a disk in a file with a brick's file system.\n" +
      "--nodes N        3 unless told\n" +
      "--root DIR       everything lies below DIR (default /var/tmp/mortar-dev)\n" +
      "--network A.B.C  nodes are A.B.C.1, A.B.C.2, … (default 127.1.1)\n" +
      "--group NAME     volume groups are NAME1, NAME2, … (default mortardev)\n" +
      "--stop           stop it; the disks stay, and `mortar dev` goes on with them.\n\n" +
      "Example: mortar dev --nodes 3",
    load: async () => (await import("./dev.ts")).dev,
  },
  doctor: {
    usage: "mortar [--root DIR] doctor [--json]",
    help:
      "Say what this machine lacks to run Mortar; of each brick of the cluster whether it could be\n" +
      "snapshotted now, and why not; what else will hurt: nodes that are away, clocks, pools, heals,\n" +
      "schedules that failed, certificates, room for the state, mixed versions, mounts that hang. And\n" +
      "what to type about each. Exit code 1 when something is missing.\n\n" +
      "Example: mortar doctor",
    json: "own",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  brick: {
    usage: brickUsage,
    help: brickHelp,
    json: "own",
    load: async () => (await import("./brick.ts")).brick,
  },
  node: {
    usage: "mortar [--root DIR] node label NODE zone=ZONE",
    help:
      "Say which failure domain a node is in: a rack, a room. `volume create … --size` puts the\n" +
      "bricks of one set into different ones. An empty zone makes the node one by itself again.\n\n" +
      "Example: mortar node label n1 zone=rack1",
    load: async () => (await import("./node-label.ts")).node,
  },
  nbd: {
    usage: nbdUsage,
    help: nbdHelp,
    json: "own",
    load: async () => (await import("./nbd.ts")).nbd,
  },
  completion: {
    usage: "mortar completion bash|zsh|fish",
    help: completionHelp,
    json: "none",
    load: async () => (await import("../manual/completion.ts")).completion,
  },
  manual: {
    usage: "mortar manual DIR",
    help:
      "Write the manual pages into DIR: mortar(1), and one for each family of commands.\n\n" +
      "Example: mortar manual /usr/local/share/man/man1",
    load: async () => (await import("../manual/manual.ts")).manual,
  },
  help: {
    usage: "mortar help [VERB]",
    help: "Show all verbs, or one.\n\nExample: mortar help brick",
    json: "none",
    load: async () => (await import("./help.ts")).help,
  },
};

export const ownVerbs: readonly string[] = Object.keys(verbs);

export function isOwnVerb(word: string): boolean {
  return Object.hasOwn(verbs, word);
}

export async function runOwnVerb(
  verb: string,
  args: readonly string[],
  io: CliIo,
  context: NodeContext,
): Promise<number> {
  const entry = verbs[verb];
  if (entry === undefined) throw new RangeError(`no verb ${verb}`);
  if (args.includes("--help")) {
    io.stdout.write(verbHelp(entry));
    return 0;
  }
  const run = await entry.load();
  const isJson = args.includes("--json");
  try {
    if (!isJson || entry.json !== undefined) return await run(args, io, context);
    return await toldAsJson(io, (inner) => run(args.filter((it) => it !== "--json"), inner, context));
  } catch (error) {
    const { name, message, code } = error as Error & { readonly code?: string };
    if (!operating.includes(name)) throw error;
    const { nextStep, problem } = error instanceof VerbError ? error : {};
    if (isJson) {
      io.stdout.write(problemJson(problem ?? { type: code ?? "refused", detail: message, nextStep }));
      return 1;
    }
    io.stderr.write(`mortar ${verb}: ${message}\n`);
    if (nextStep !== undefined) io.stderr.write(`Next: ${nextStep}\n`);
    return 1;
  }
}

export function verbHelp(entry: VerbEntry): string {
  return `Usage: ${entry.usage}\n\n${entry.help}${wordsOnJson(entry)}\n`;
}

/** What the help of a verb says of `--json`, unless it says so itself. */
export function wordsOnJson({ json }: VerbEntry): string {
  return json === undefined ? "\n\nWith --json, what was done, or why it was not, as JSON." : "";
}

/** Errors of this and of the packages below whose message is meant for the user. */
const operating = ["VerbError", "ApiError", "VgError", "PoolError", "LvmError"];
