/** `gluster volume profile|statedump|log|barrier`: what is asked of the bricks of a volume. */
import type { VolumeProfileBody } from "@mortar/api";
import { operationOutput, present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";
import { type ProfilePart, profileText, profileXml } from "./volume-profile-print.ts";

export const volumeBrickCommands: readonly GlusterCommand[] = [
  {
    words: ["volume", "barrier"],
    usage: "volume barrier <VOLNAME> {enable|disable}",
    help: "Barrier/unbarrier file operations on a volume",
    run: barrier,
  },
  {
    words: ["volume", "log"],
    usage: "volume log <VOLNAME> rotate [BRICK]",
    help: "rotate the log file for corresponding volume/brick",
    run: logRotate,
  },
  {
    words: ["volume", "profile"],
    usage:
      "volume profile <VOLNAME> {start|info [peek|incremental [peek]|cumulative|clear]|stop} [nfs]",
    help: "volume profile operations",
    run: profile,
  },
  {
    words: ["volume", "statedump"],
    usage:
      "volume statedump <VOLNAME> [[nfs|quotad] [all|mem|iobuf|callpool|priv|fd|inode|history]... " +
      "| [client <hostname:process-id>]]",
    help: "perform statedump on bricks",
    run: statedump,
  },
];

async function barrier(session: Session, args: readonly string[]): Promise<number> {
  const [volume, word] = args;
  if (volume === undefined || args.length !== 2) throw new UsageError();
  if (word !== "enable" && word !== "disable") throw new UsageError();
  const client = await session.client();
  return present(session, await client.volumeBarrier(volume, { enable: word === "enable" }), {
    text: () => "volume barrier: command successful\n",
    xml: () => operationOutput("volBarrier", "volume barrier: command successful"),
    failed: "volume barrier: command unsuccessful : ",
  });
}

async function logRotate(session: Session, args: readonly string[]): Promise<number> {
  const [volume, word, brick] = args;
  if (volume === undefined || word !== "rotate" || args.length > 3) throw new UsageError();
  const client = await session.client();
  const answer = await client.volumeLogRotate(volume, brick === undefined ? {} : { brick });
  return present(session, answer, {
    text: () => "volume log-rotate: success\n",
    xml: () => operationOutput("volLogRotate", "log rotate successful"),
    failed: "volume log-rotate: failed: ",
    xmlFailed: (problem) => operationOutput("volLogRotate", problem.opErrstr),
  });
}

async function statedump(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...words] = args;
  if (volume === undefined) throw new UsageError();
  const others = ["nfs", "quotad", "client"];
  const asked = words.find((word) => others.includes(word));
  if (asked !== undefined) {
    throw new UsageError(`volume statedump: ${asked} is not supported by this version of Mortar.`);
  }
  const sections = ["all", "mem", "iobuf", "callpool", "priv", "fd", "inode", "history"];
  if (words.some((word) => !sections.includes(word))) throw new UsageError();
  const client = await session.client();
  return present(session, await client.volumeStatedump(volume), {
    text: ({ files }) =>
      session.strict
        ? "volume statedump: success\n"
        : `volume statedump: success\n${files.map(({ file }) => `${file}\n`).join("")}`,
    xml: () => operationOutput("volStatedump", "Volume statedump successful"),
    failed: "volume statedump: failed: ",
    xmlFailed: (problem) => operationOutput("volStatedump", problem.opErrstr),
  });
}

async function profile(session: Session, args: readonly string[]): Promise<number> {
  const [volume, action, ...words] = args;
  if (volume === undefined) throw new UsageError();
  if (action !== "start" && action !== "stop" && action !== "info") throw new UsageError();
  if (words.includes("nfs")) {
    throw new UsageError("volume profile: nfs is not supported by this version of Mortar.");
  }
  const asked: VolumeProfileBody = action === "info" ? infoOf(words) : { action };
  if (action !== "info" && words.length > 0) throw new UsageError();
  const { part } = asked;
  const done = { start: "Starting", stop: "Stopping" } as const;
  const client = await session.client();
  return present(session, await client.volumeProfile(volume, asked), {
    text: (it) =>
      action === "info"
        ? profileText(part)(it)
        : `${done[action]} volume profile on ${volume} has been successful \n`,
    xml: (it) => profileXml(it, action, part),
    failed: "",
  });
}

function infoOf(words: readonly string[]): VolumeProfileBody {
  const [first, second] = words;
  if (first === undefined) return { action: "info" };
  if (first === "peek" && words.length === 1) return { action: "info", peek: true };
  const parts: readonly ProfilePart[] = ["incremental", "cumulative", "clear"];
  const part = parts.find((it) => it === first);
  if (part === undefined) throw new UsageError();
  if (second === undefined) return { action: "info", part };
  if (part !== "incremental" || second !== "peek" || words.length > 2) throw new UsageError();
  return { action: "info", part, peek: true };
}
