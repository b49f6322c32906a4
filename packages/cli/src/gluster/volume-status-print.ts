/** `volume status` as text. Names wider than their column go on in the next line. */
import type { BrickDetail, VolumeProcess, VolumeStatus } from "@mortar/api";

const NAME_COLUMN = 43;
const line = `${"-".repeat(78)}\n`;

/** One volume; a question about one brick gets no list of tasks. */
export function statusText(oneBrick: boolean): (volume: VolumeStatus) => string {
  return (volume) => {
    if (!volume.started) return " \n";
    const heading =
      `${"Gluster process".padEnd(NAME_COLUMN)} ` +
      row("TCP Port", "RDMA Port", "Online", "Pid").trimEnd();
    const rows = volume.processes.map(processText);
    const head = `Status of volume: ${volume.name}\n${heading}\n${line}${rows.join("")}`;
    return oneBrick ? `${head} \n` : `${head} \n${taskText(volume)}`;
  };
}

export function taskText(volume: VolumeStatus): string {
  if (!volume.started) return " \n";
  const tasks = volume.tasks.map(
    (task) =>
      `${detailRow("Task", task.kind)}${detailRow("ID", task.id)}` +
      (task.bricks.length === 0 ? "" : `Removed bricks:     \n${task.bricks.join("\n")}\n`) +
      `${detailRow("Status", task.status)} \n`,
  );
  const list = tasks.length === 0 ? "There are no active volume tasks\n" : tasks.join("");
  return `Task Status of Volume ${volume.name}\n${line}${list} \n`;
}

export function statusDetailText(volume: VolumeStatus): string {
  if (!volume.started) return " \n";
  const blocks = volume.processes.map((process) => {
    const ports = portsOf(process);
    return (
      line +
      detailRow("Brick", processName(process)) +
      detailRow("TCP Port", ports.tcp) +
      detailRow("RDMA Port", ports.rdma) +
      detailRow("Online", process.online ? "Y" : "N") +
      detailRow("Pid", pidOf(process)) +
      (process.detail === undefined ? "" : fileSystemText(process.detail))
    );
  });
  return `Status of volume: ${volume.name}\n${blocks.join("")} \n`;
}

function fileSystemText(detail: BrickDetail): string {
  return (
    detailRow("File System", detail.fileSystem) +
    detailRow("Device", detail.device) +
    detailRow("Mount Options", detail.mountOptions) +
    detailRow("Inode Size", String(detail.inodeSizeBytes ?? "N/A")) +
    detailRow("Disk Space Free", sizeText(detail.freeBytes)) +
    detailRow("Total Disk Space", sizeText(detail.totalBytes)) +
    detailRow("Inode Count", String(detail.inodeCount)) +
    detailRow("Free Inodes", String(detail.inodeFree))
  );
}

function detailRow(label: string, value: string): string {
  return `${label.padEnd(20)} : ${value.padEnd(20)}\n`;
}

function processText(process: VolumeProcess): string {
  let name = processName(process);
  let wrapped = "";
  while (name.length > NAME_COLUMN) {
    wrapped += `${name.slice(0, NAME_COLUMN)}\n`;
    name = name.slice(NAME_COLUMN);
  }
  const ports = portsOf(process);
  const state = row(ports.tcp, ports.rdma, process.online ? "Y" : "N", pidOf(process));
  return `${wrapped}${name.padEnd(NAME_COLUMN)} ${state}\n`;
}

function processName(process: VolumeProcess): string {
  if (process.kind === "brick") return `Brick ${process.host}:${process.path}`;
  const daemon = process.kind === "self-heal-daemon" ? "Self-heal Daemon" : "Snapshot Daemon";
  return `${daemon} on ${process.host}`;
}

function row(tcpPort: string, rdmaPort: string, online: string, pid: string): string {
  return `${tcpPort.padEnd(10)}${rdmaPort.padEnd(11)}${online.padEnd(8)}${pid.padEnd(5)}`;
}

function portsOf(process: VolumeProcess): { tcp: string; rdma: string } {
  if (!process.online || process.port === undefined) return { tcp: "N/A", rdma: "N/A" };
  return { tcp: String(process.port), rdma: "0" };
}

function pidOf(process: VolumeProcess): string {
  return process.online && process.pid !== undefined ? String(process.pid) : "N/A";
}

const units = ["KB", "MB", "GB", "TB", "PB"];

/** `230.0GB`, in powers of 1024 and with one decimal, as stock writes sizes. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes}Bytes`;
  let size = bytes / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size.toFixed(1)}${units[unit]}`;
}
