/** Volumes as XML, in stock's nesting. */
import type {
  Brick, BrickClient, BrickDescriptors, BrickReport, VolumeInfo, VolumeProcess, VolumeStatus,
  VolumeType,
} from "@mortar/api";
import { type XmlElement, element, mixedElement } from "../xml.ts";
import type { ReportView } from "./volume-report-print.ts";

const stateNumbers = { Created: 0, Started: 1, Stopped: 2 } as const;
const typeNumbers: Readonly<Record<VolumeType, number>> = {
  Distribute: 0,
  Replicate: 2,
  Disperse: 4,
  "Distributed-Replicate": 7,
  "Distributed-Disperse": 9,
};
const transportNumbers: Readonly<Record<string, number>> = { tcp: 0, rdma: 1, "tcp,rdma": 2 };

export function volumeInfoXml(volumes: readonly VolumeInfo[]): readonly XmlElement[] {
  return [
    element("volInfo", [
      element("volumes", [...volumes.map(infoXml), element("count", volumes.length)]),
    ]),
  ];
}

function infoXml(volume: VolumeInfo): XmlElement {
  const options = volume.options.map(({ name, value }) =>
    element("option", [element("name", name), element("value", value)]),
  );
  return element("volume", [
    element("name", volume.name),
    element("id", volume.id),
    element("status", stateNumbers[volume.status]),
    element("statusStr", volume.status),
    element("snapshotCount", volume.snapshotCount),
    element("brickCount", volume.brickCount),
    element("distCount", volume.distCount),
    element("replicaCount", volume.replicaCount),
    element("arbiterCount", volume.arbiterCount),
    element("disperseCount", volume.disperseCount),
    element("redundancyCount", volume.redundancyCount),
    element("type", typeNumbers[volume.type]),
    element("typeStr", volume.type),
    element("transport", transportNumbers[volume.transport] ?? 0),
    element("bricks", volume.bricks.map(brickXml)),
    element("optCount", options.length),
    element("options", options),
  ]);
}

function brickXml(brick: Brick): XmlElement {
  const name = `${brick.host}:${brick.path}`;
  return mixedElement("brick", { uuid: brick.hostUuid }, name, [
    element("name", name),
    element("hostUuid", brick.hostUuid),
    element("isArbiter", brick.isArbiter ? 1 : 0),
  ]);
}

export interface StatusXmlOptions {
  readonly view: "processes" | "detail" | "tasks" | ReportView;
  readonly tasks: boolean;
}

export function volumeStatusXml(
  volumes: readonly VolumeStatus[],
  options: StatusXmlOptions,
): readonly XmlElement[] {
  const started = volumes.filter((volume) => volume.started);
  return [
    element("volStatus", [element("volumes", started.map((it) => statusXml(it, options)))]),
  ];
}

function statusXml(volume: VolumeStatus, { view, tasks }: StatusXmlOptions): XmlElement {
  const nodes =
    view === "tasks"
      ? []
      : [element("nodeCount", volume.processes.length), ...volume.processes.map(nodeXml)];
  const list = volume.tasks.map((task) =>
    element("task", [
      element("type", task.kind),
      element("id", task.id),
      element("statusStr", task.status),
    ]),
  );
  const hasTasks = tasks && (view === "processes" || view === "tasks");
  const tasksXml = hasTasks ? [element("tasks", list)] : [];
  return element("volume", [element("volName", volume.name), ...nodes, ...tasksXml]);
}

const daemonNames = {
  "self-heal-daemon": "Self-heal Daemon",
  "snapshot-daemon": "Snapshot Daemon",
} as const;

function nodeXml(process: VolumeProcess): XmlElement {
  const { kind, online, detail } = process;
  const port = online && process.port !== undefined ? process.port : "N/A";
  const fileSystem =
    detail === undefined
      ? []
      : [
          element("sizeTotal", detail.totalBytes),
          element("sizeFree", detail.freeBytes),
          element("device", detail.device),
          element("mntOptions", detail.mountOptions),
          element("fsName", detail.fileSystem),
          ...(detail.inodeSizeBytes === undefined
            ? []
            : [element("inodeSize", detail.inodeSizeBytes)]),
          element("inodesTotal", detail.inodeCount),
          element("inodesFree", detail.inodeFree),
        ];
  return element("node", [
    element("hostname", kind === "brick" ? process.host : daemonNames[kind]),
    element("path", process.path),
    element("peerid", process.peerId),
    element("status", online ? 1 : 0),
    element("port", port),
    element("ports", [element("tcp", port), element("rdma", "N/A")]),
    element("pid", online ? (process.pid ?? -1) : -1),
    ...fileSystem,
    ...(process.report === undefined ? [] : reportXml(process.report)),
  ]);
}

function reportXml(report: BrickReport): XmlElement[] {
  const { clients, descriptors, calls, memory, inodes } = report;
  return [
    ...(inodes === undefined ? [] : [inodesXml(inodes)]),
    ...(clients === undefined ? [] : [clientsXml(clients)]),
    ...(descriptors === undefined ? [] : [descriptorsXml(descriptors)]),
    ...(calls === undefined
      ? []
      : [element("callpoolStatus", [element("count", calls.queued + calls.held)])]),
    ...(memory === undefined
      ? []
      : [
          element("memStatus", Object.entries(memory).map(([kind, bytes]) => element(kind, bytes))),
        ]),
  ];
}

function clientsXml(clients: readonly BrickClient[]): XmlElement {
  return element("clientsStatus", [
    element("clientCount", clients.length),
    ...clients.map(({ address, bytesReceived, bytesSent, opVersion }) =>
      element("client", [
        element("hostname", address),
        element("bytesRead", bytesReceived),
        element("bytesWrite", bytesSent),
        element("opVersion", opVersion),
      ]),
    ),
  ]);
}

function inodesXml({ active, known }: NonNullable<BrickReport["inodes"]>): XmlElement {
  return element("inodeStatus", [
    element("connections", 1),
    element("connection", [
      element("activeSize", active), element("lruSize", Math.max(0, known - active)),
      element("purgeSize", 0),
    ]),
  ]);
}

function descriptorsXml(descriptors: readonly BrickDescriptors[]): XmlElement {
  return element("fdStatus", [
    element("connections", descriptors.length),
    ...descriptors.map(({ open }) =>
      element("connection", open.map(({ number, flags }) =>
        element("fd", [element("entry", number), element("flags", flags)]),
      )),
    ),
  ]);
}
