/** How far the rebalance processes of a volume are: stock's tables and elements. */
import type { TaskProgress, VolumeTaskReport } from "@mortar/api";
import { element, type XmlElement } from "../xml.ts";
import { sizeText } from "./volume-status-print.ts";

const columns = [
  "Node", "Rebalanced-files", "size", "scanned", "failures", "skipped", "status",
  "run time in h:m:s",
];
const rules = [
  "---------", "-----------", "-----------", "-----------", "-----------", "-----------",
  "------------", "--------------",
];
const widths = [40, 16, 13, 13, 13, 13, 20, 18];
const fixLayoutWidths = [35, 41, 27];
const fixLayoutRowWidths = [35, 50, 8];

export function taskTable(report: VolumeTaskReport): string {
  if (report.fixLayout) return fixLayoutTable(report.nodes);
  const rows = report.nodes.map((it) => {
    const { host, files, sizeBytes, lookups, failures, skipped, status, seconds } = it;
    const cells = [host, files, sizeText(sizeBytes), lookups, failures, skipped, status];
    return `${line(cells, widths)} ${timeOf(seconds)}\n`;
  });
  return `${line(columns, widths)}\n${line(rules, widths)}\n${rows.join("")}`;
}

function fixLayoutTable(nodes: readonly TaskProgress[]): string {
  const head = ["Node", "status", "run time in h:m:s"];
  const rule = ["---------", "-----------", "------------"];
  const rows = nodes.map(({ host, status, seconds }) =>
    `${line([host, status], fixLayoutRowWidths)} ${timeOf(seconds)}\n`);
  return `${line(head, fixLayoutWidths)}\n${line(rule, fixLayoutWidths)}\n${rows.join("")}`;
}

function line(cells: readonly (string | number)[], cellWidths: readonly number[]): string {
  return cells.map((cell, index) => String(cell).padStart(cellWidths[index] ?? 0)).join(" ");
}

/** `%8d:%02d:%02d` */
function timeOf(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const hours = String(Math.floor(seconds / 3600)).padStart(8);
  return `${hours}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const statusNumbers: readonly TaskProgress["status"][] = [
  "not started", "in progress", "stopped", "completed", "failed",
  "fix-layout in progress", "fix-layout stopped", "fix-layout completed", "fix-layout failed",
];

/** Below `volRebalance` or `volRemoveBrick`; `op`: stock's number of the action, where it has one. */
export function taskXml(report: VolumeTaskReport, op?: number): XmlElement[] {
  const id = report.id === undefined ? [] : [element("task-id", report.id)];
  const operation = op === undefined ? [] : [element("op", op)];
  const { nodes } = report;
  if (nodes.length === 0) return [...id, ...operation];
  const sum = (key: "files" | "sizeBytes" | "lookups" | "failures" | "skipped") =>
    nodes.reduce((total, it) => total + it[key], 0);
  const all = {
    files: sum("files"), sizeBytes: sum("sizeBytes"), lookups: sum("lookups"),
    failures: sum("failures"), skipped: sum("skipped"), status: report.status,
    seconds: Math.max(...nodes.map((it) => it.seconds)),
  };
  return [
    ...id,
    ...operation,
    element("nodeCount", nodes.length),
    ...nodes.map((it) => element("node", [
      element("nodeName", it.host), element("id", it.peerId), ...countsXml(it),
    ])),
    element("aggregate", countsXml(all)),
  ];
}

function countsXml(it: Omit<TaskProgress, "host" | "peerId">): XmlElement[] {
  return [
    element("files", it.files),
    element("size", it.sizeBytes),
    element("lookups", it.lookups),
    element("failures", it.failures),
    element("skipped", it.skipped),
    element("status", statusNumbers.indexOf(it.status)),
    element("statusStr", it.status),
    element("runtime", it.seconds.toFixed(2)),
  ];
}
