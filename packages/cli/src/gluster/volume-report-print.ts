/** `volume status V clients|client-list|mem|inode|fd|callpool` as text: what bricks tell of themselves. */
import type { BrickClient, BrickReport, VolumeProcess, VolumeStatus } from "@mortar/api";

const line = `${"-".repeat(46)}\n`;

export type ReportView = "clients" | "client-list" | "mem" | "inode" | "fd" | "callpool";

/** Which question of the interface is behind a view. */
export const questionOf = {
  clients: "clients",
  "client-list": "clients",
  mem: "memory",
  inode: "inodes",
  fd: "descriptors",
  callpool: "calls",
} as const satisfies Record<ReportView, keyof BrickReport>;

export function reportText(view: ReportView): (volume: VolumeStatus) => string {
  if (view === "client-list") return clientListText;
  const { title, body, last } = forms[view];
  return ({ name, processes, started }) => {
    if (!started) return " \n";
    const bricks = processes.filter(({ kind }) => kind === "brick");
    const blocks = bricks.map((brick) => `${line}Brick : ${nameOf(brick)}\n${bodyOf(brick, body)}`);
    return `${title}${name}\n${blocks.join("")}${line}${last}`;
  };
}

interface Form {
  readonly title: string;
  readonly body: (report: BrickReport) => string;
  readonly last: string;
}

const forms: Readonly<Record<Exclude<ReportView, "client-list">, Form>> = {
  clients: { title: "Client connections for volume ", body: clientsText, last: "\n" },
  mem: { title: "Memory status for volume : ", body: memoryText, last: "\n" },
  inode: { title: "Inode tables for volume ", body: inodesText, last: "" },
  fd: { title: "FD tables for volume ", body: descriptorsText, last: "" },
  callpool: { title: "Pending calls for volume ", body: callsText, last: "" },
};

function nameOf({ host, path }: VolumeProcess): string {
  return `${host}:${path}`;
}

function bodyOf(brick: VolumeProcess, body: Form["body"]): string {
  if (brick.report !== undefined) return body(brick.report);
  const reason = brick.online ? "gives no answer to this" : "is offline";
  return `${nameOf(brick)} ${reason}\n`;
}

function clientsText({ clients = [] }: BrickReport): string {
  const row = (name: string, read: string, written: string, version: string) =>
    `${name.padEnd(48)} ${read.padStart(15)} ${written.padStart(15)} ${version.padStart(15)}\n`;
  const rows = clients.map(({ address, bytesReceived, bytesSent, opVersion }) =>
    row(address, String(bytesReceived), String(bytesSent), String(opVersion)),
  );
  return (
    `Clients connected : ${clients.length}\n` +
    row("Hostname", "BytesRead", "BytesWritten", "OpVersion") +
    row("--------", "---------", "------------", "---------") +
    rows.join("")
  );
}

/** Kinds of clients; one is counted once, however many bricks it is connected to. */
function clientListText({ name, processes, started }: VolumeStatus): string {
  if (!started) return " \n";
  const kinds = new Map<string, string>();
  for (const { report } of processes) {
    for (const client of report?.clients ?? []) kinds.set(programOf(client), client.processName);
  }
  const counts = new Map<string, number>();
  for (const kind of kinds.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const rows = [...counts].map(([kind, count]) => `${kind.padEnd(48)} ${pad(count)}\n`);
  return (
    `Client connections for volume ${name}\n` +
    `${"Name".padEnd(48)} ${"count".padStart(15)}\n` +
    `${"-----".padEnd(48)} ${"------".padStart(15)}\n${rows.join("")}\n` +
    `total clients for volume ${name} : ${kinds.size} \n${"-".repeat(65)}\n\n`
  );
}

function pad(count: number): string {
  return String(count).padStart(15);
}

/** The part of a client's identity that is the same at every brick. */
function programOf({ identity }: BrickClient): string {
  return /^CTX_ID:[0-9a-f-]+/.exec(identity)?.[0] ?? identity;
}

function memoryText({ memory = {} }: BrickReport): string {
  const rows = Object.entries(memory).map(([kind, bytes]) => `${kind.padEnd(12)} : ${bytes}\n`);
  return `Memory in bytes\n---------------\n${rows.join("")} \n`;
}

/** One table serves all connections of a brick. */
function inodesText({ inodes }: BrickReport): string {
  const { limit = 0, active = 0, known = 0 } = inodes ?? {};
  return (
    "Connection 1:\n" +
    `LRU limit     : ${limit}\n` +
    `Active Inodes : ${active}\n` +
    `LRU Inodes    : ${Math.max(0, known - active)}\n` +
    "Purge Inodes  : 0\n \n"
  );
}

function descriptorsText({ descriptors = [] }: BrickReport): string {
  const row = (cells: readonly string[]) =>
    `${cells.map((cell) => cell.padEnd(19)).join(" ").trimEnd()}\n`;
  const tables = descriptors.map(({ open }, index) => {
    const rows = open.map(({ number, gfid, flags, isDirectory }) =>
      row([String(number), isDirectory ? "directory" : "file", `0${flags.toString(8)}`, gfid]),
    );
    const heading = row(["FD Entry", "Type", "Flags", "GFID"]);
    const rule = row(["--------", "----", "-----", "----"]);
    return `Connection ${index + 1}:\n${heading}${rule}${rows.join("")} \n`;
  });
  return tables.join("");
}

function callsText({ calls = { queued: 0, held: 0 } }: BrickReport): string {
  const { queued, held } = calls;
  return `Pending calls: ${queued + held}\n Waiting for the disk : ${queued}\n Held : ${held}\n \n`;
}
