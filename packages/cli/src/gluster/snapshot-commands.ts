/** `gluster snapshot …`: the grammar table, and what each command asks and sends. */
import type { Answer } from "@mortar/api";
import { element } from "../xml.ts";
import { type Presentation, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { familyHelp } from "./help.ts";
import { keptText } from "./keep-commands.ts";
import { snapshotConfig } from "./snapshot-config.ts";
import { parseSnapshotClone, parseSnapshotCreate } from "./snapshot-create.ts";
import { snapshotDelete } from "./snapshot-delete.ts";
import { diffCommand } from "./snapshot-diff.ts";
import {
  failedLast,
  snapshotCreateText,
  snapshotInfoText,
  snapshotListText,
  snapshotStatusText,
} from "./snapshot-print.ts";
import { infoWithSpace, listWithSpace, snapshotReclaim } from "./snapshot-space.ts";
import { namedXml, snapshotInfoXml, snapshotListXml, snapshotStatusXml } from "./snapshot-xml.ts";

export const snapshotCommands: readonly GlusterCommand[] = [
  {
    words: ["snapshot", "activate"],
    usage: "snapshot activate <snapname> [force]",
    help: "Activate snapshot volume.",
    run: activate,
  },
  {
    words: ["snapshot", "clone"],
    usage: "snapshot clone <clonename> <snapname>",
    help: "Snapshot Clone.",
    more:
      "One volume of a snapshot of several:\n" +
      "    mortar snapshot clone trial before-upgrade volume vms",
    run: clone,
  },
  {
    words: ["snapshot", "config"],
    usage:
      "snapshot config [volname] ([snap-max-hard-limit <count>] [snap-max-soft-limit " +
      "<percent>]) | ([auto-delete <enable|disable>])| ([activate-on-create <enable|disable>])",
    help: "Snapshot Config.",
    run: snapshotConfig,
  },
  {
    words: ["snapshot", "create"],
    usage: "snapshot create <snapname> <volname> [no-timestamp] [description <description>]",
    help: "Snapshot Create.",
    more:
      "Several volumes are taken at one moment, under one name:\n" +
      "    mortar snapshot create before-upgrade vms databases",
    run: create,
  },
  {
    words: ["snapshot", "deactivate"],
    usage: "snapshot deactivate <snapname>",
    help: "Deactivate snapshot volume.",
    run: deactivate,
  },
  {
    words: ["snapshot", "delete"],
    usage: "snapshot delete (all | snapname | volume <volname>)",
    help: "Snapshot Delete.",
    run: snapshotDelete,
  },
  diffCommand,
  {
    words: ["snapshot", "help"],
    usage: "snapshot help",
    help: "display help for snapshot commands",
    async run({ io }) {
      io.stdout.write(familyHelp("snapshot", snapshotCommands));
      return 0;
    },
  },
  {
    words: ["snapshot", "info"],
    usage: "snapshot info [(snapname | volume <volname>)]",
    help: "Snapshot Info.",
    more: "With -v, how many bytes each has, and how many its deletion alone would free.",
    run: info,
  },
  {
    words: ["snapshot", "list"],
    usage: "snapshot list [volname]",
    help: "Snapshot List.",
    more: "With -v, how many bytes each has, and how many its deletion alone would free. With --safety,\n" +
      "what restores have kept.",
    run: list,
  },
  {
    words: ["snapshot", "reclaim"],
    usage: "snapshot reclaim <snapname>...",
    help: "What deleting these snapshots, all together, gives back.",
    // Stock's list of snapshot commands has none of this name.
    family: "mortar",
    run: snapshotReclaim,
  },
  {
    words: ["snapshot", "restore"],
    usage: "snapshot restore <snapname>",
    help: "Snapshot Restore.",
    more:
      "The present is kept as a safety snapshot, unless --no-safety is given. A started volume\n" +
      "is restored with --online: its clients wait, or get an error, and see the old content then.\n" +
      "One volume of a snapshot of several:\n" +
      "    mortar snapshot restore before-upgrade volume vms",
    run: restore,
  },
  {
    words: ["snapshot", "status"],
    usage: "snapshot status [(snapname | volume <volname>)]",
    help: "Snapshot Status.",
    run: status,
  },
];

async function create(session: Session, args: readonly string[]): Promise<number> {
  const { stdout, stderr } = session.io;
  const request = parseSnapshotCreate(args, session.format === "json" ? stderr : stdout, session.strict);
  const client = await session.client();
  return present(session, await client.snapshotCreate(request), {
    text: snapshotCreateText,
    xml: (created) => [element("snapCreate", [namedXml("snapshot", created)])],
    failed: "snapshot create: failed: ",
    failedLast,
  });
}

async function clone(session: Session, args: readonly string[]): Promise<number> {
  const { cloneName, snapshot, ...volume } = parseSnapshotClone(args);
  const client = await session.client();
  const answer = await client.snapshotClone(snapshot, { name: cloneName, ...volume });
  return present(session, answer, {
    text: ({ name }) => `snapshot clone: success: Clone ${name} created successfully\n`,
    xml: ({ name, id }) => [element("CloneCreate", [namedXml("volume", { name, uuid: id })])],
    failed: "snapshot clone: failed: ",
    failedLast,
  });
}

async function restore(session: Session, args: readonly string[]): Promise<number> {
  const names = args.filter((it) => it !== "--no-safety" && it !== "--online");
  const [snapshot, word, volume] = names;
  if (snapshot === undefined || names.length > 3) throw new UsageError();
  if (word !== undefined && (word !== "volume" || volume === undefined)) throw new UsageError();
  const confirmation = await session.confirm(
    "Restore operation will replace the original volume with the snapshotted volume. " +
      "Do you still want to continue?",
  );
  if (confirmation !== "yes") return 0;
  const client = await session.client();
  const safety = !args.includes("--no-safety");
  const online = args.includes("--online");
  const choice = { safety, online, ...(volume === undefined ? {} : { volume }) };
  return present(session, await client.snapshotRestore(snapshot, choice), {
    text: ({ name }) => `Snapshot restore: ${name}: Snap restored successfully\n`,
    xml: (restored) => [
      element("snapRestore", [
        ...[restored, ...(restored.others ?? [])].map((it) =>
          namedXml("volume", { name: it.volume, uuid: it.volumeId }),
        ),
        namedXml("snapshot", restored),
      ]),
    ],
    failed: "snapshot restore: failed: ",
    failedLast,
  });
}

async function activate(session: Session, args: readonly string[]): Promise<number> {
  const [snapshot, force] = args;
  if (snapshot === undefined || args.length > 2) throw new UsageError();
  if (force !== undefined && force !== "force") throw new UsageError();
  const client = await session.client();
  const answer = await client.snapshotActivate(snapshot, { force: force !== undefined });
  return present(session, answer, changed("activate", "Activate"));
}

async function deactivate(session: Session, args: readonly string[]): Promise<number> {
  const [snapshot] = args;
  if (snapshot === undefined || args.length > 1) throw new UsageError();
  const confirmation = await session.confirm(
    "Deactivating snap will make its data inaccessible. Do you want to continue?",
  );
  if (confirmation !== "yes") return 0;
  const client = await session.client();
  const answer = await client.snapshotDeactivate(snapshot);
  return present(session, answer, changed("deactivate", "Deactivate"));
}

function changed(verb: string, verbInXml: string): Presentation<{ name: string; uuid: string }> {
  return {
    text: ({ name }) => `Snapshot ${verb}: ${name}: Snap ${verb}d successfully\n`,
    xml: (snapshot) => [element(`snap${verbInXml}`, [namedXml("snapshot", snapshot)])],
    failed: `snapshot ${verb}: failed: `,
    failedLast,
  };
}

async function list(session: Session, args: readonly string[]): Promise<number> {
  const names = args.filter((word) => word !== "--safety" && word !== "-v");
  const [volume] = names;
  if (names.length > 1) throw new UsageError();
  const client = await session.client();
  const query = {
    ...(volume === undefined ? {} : { volume }),
    ...(args.includes("--safety") ? { safety: true } : {}),
  };
  if (args.includes("-v")) return listWithSpace(session, client, query);
  return present(session, await client.snapshotList(query), {
    text: snapshotListText,
    xml: snapshotListXml,
    failed: "Snapshot list : failed: ",
    failedLast,
  });
}

async function info(session: Session, args: readonly string[]): Promise<number> {
  const query = oneOrVolume(args.filter((word) => word !== "-v"));
  const client = await session.client();
  if (args.includes("-v")) return infoWithSpace(session, client, query);
  return present(session, await client.snapshotInfo(query), {
    text: (infos) => snapshotInfoText(infos) + (session.strict ? "" : keptText(infos.snapshots)),
    xml: snapshotInfoXml,
    failed: "Snapshot info : failed: ",
    failedLast,
  });
}

async function status(session: Session, args: readonly string[]): Promise<number> {
  const query = oneOrVolume(args);
  const client = await session.client();
  const answer: Answer<Parameters<typeof snapshotStatusText>[0]> =
    await client.snapshotStatus(query);
  return present(session, answer, {
    text: snapshotStatusText,
    xml: snapshotStatusXml,
    failed: "Snapshot Status : failed: ",
    failedLast,
  });
}

function oneOrVolume(args: readonly string[]): { snapshot?: string; volume?: string } {
  const [first, second] = args;
  if (first === undefined) return {};
  if (first === "volume" && second !== undefined && args.length === 2) return { volume: second };
  if (first === "volume" || args.length > 1) throw new UsageError();
  return { snapshot: first };
}
