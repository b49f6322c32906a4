/** Snapshots as XML, in stock's nesting. */
import type {
  Problem,
  SnapshotConfig,
  SnapshotConfigBody,
  SnapshotInfo,
  SnapshotInfoList,
  SnapshotRef,
  SnapshotRemoval,
  SnapshotStatus,
} from "@mortar/api";
import { type XmlElement, element } from "../xml.ts";
import { timeText } from "./answer.ts";
import { snapshotBrickFields, switchWord } from "./snapshot-print.ts";

export function namedXml(
  name: string,
  it: { readonly name: string; readonly uuid: string },
): XmlElement {
  return element(name, [element("name", it.name), element("uuid", it.uuid)]);
}

export function snapshotListXml(snapshots: readonly SnapshotRef[]): readonly XmlElement[] {
  const names = snapshots.map((snapshot) => element("snapshot", snapshot.name));
  return [element("snapList", [element("count", snapshots.length), ...names])];
}

export function snapshotInfoXml(list: SnapshotInfoList): readonly XmlElement[] {
  const { volume, snapshots } = list;
  const origin =
    volume === undefined
      ? []
      : [originXml(volume.name, volume.snapsTaken, volume.snapsAvailable)];
  return [
    element("snapInfo", [
      ...origin,
      element("count", snapshots.length),
      element(
        "snapshots",
        snapshots.map((snapshot) => infoXml(snapshot, volume === undefined)),
      ),
    ]),
  ];
}

function infoXml(snapshot: SnapshotInfo, withOrigin: boolean): XmlElement {
  const volumes = snapshot.snapVolumes.map((it) =>
    element("snapVolume", [
      element("name", it.name),
      element("status", it.status),
      ...(withOrigin ? [originXml(it.originVolume, it.snapsTaken, it.snapsAvailable)] : []),
    ]),
  );
  return element("snapshot", [
    element("name", snapshot.name),
    element("uuid", snapshot.uuid),
    element("description", snapshot.description ?? ""),
    element("createTime", timeText(snapshot.createdAt)),
    element("volCount", snapshot.snapVolumes.length),
    ...volumes,
  ]);
}

function originXml(name: string, taken: number, available: number): XmlElement {
  return element("originVolume", [
    element("name", name),
    element("snapCount", taken),
    element("snapRemaining", available),
  ]);
}

const brickElements = [
  "path",
  "volumeGroup",
  "brick_running",
  "pid",
  "data_percentage",
  "lvSize",
] as const;

export function snapshotStatusXml(snapshots: readonly SnapshotStatus[]): readonly XmlElement[] {
  return [element("snapStatus", [element("snapshots", snapshots.map(statusXml))])];
}

function statusXml(snapshot: SnapshotStatus): XmlElement {
  const bricks = snapshot.bricks.map((brick) => {
    const fields = snapshotBrickFields(snapshot, brick);
    return element(
      "brick",
      brickElements.map((name, index) => element(name, fields[index]?.[1] ?? "")),
    );
  });
  return element("snapshot", [
    element("name", snapshot.name),
    element("uuid", snapshot.uuid),
    element("volCount", 1),
    element("volume", [element("brickCount", bricks.length), ...bricks]),
  ]);
}

export function deletedXml(removal: SnapshotRemoval): XmlElement {
  const { name, uuid } = removal;
  if (removal.removed) {
    return element("snapshot", [
      element("status", "Success"),
      element("name", name),
      element("uuid", uuid),
    ]);
  }
  return failureXml(name, removal.opErrno ?? 0, removal.opErrstr ?? "");
}

export function failedDeleteXml(name: string, problem: Problem): XmlElement {
  return element("snapDelete", [
    element("snapshots", [failureXml(name, problem.opErrno, problem.opErrstr)]),
  ]);
}

function failureXml(name: string, opErrno: number, opErrstr: string): XmlElement {
  return element("snapshot", [
    element("status", "Failure"),
    element("opRet", -1),
    element("opErrno", opErrno),
    element("opErrstr", opErrstr),
    element("name", name),
  ]);
}

export function configXml(config: SnapshotConfig): readonly XmlElement[] {
  const { system } = config;
  const volumes = config.volumes.map((volume) =>
    element("volume", [
      element("name", volume.name),
      element("hardLimit", volume.hardLimit),
      element("effectiveHardLimit", volume.effectiveHardLimit),
      element("softLimit", volume.effectiveSoftLimit),
    ]),
  );
  return [
    element("snapConfig", [
      element("systemConfig", [
        element("hardLimit", system.hardLimit),
        element("softLimit", `${system.softLimitPercent}%`),
        element("autoDelete", switchWord(system, "autoDelete")),
        element("activateOnCreate", switchWord(system, "activateOnCreate")),
      ]),
      element("volumeConfig", volumes),
    ]),
  ];
}

export function configChangeXml(change: SnapshotConfigBody): readonly XmlElement[] {
  const { hardLimit, softLimitPercent, autoDelete, activateOnCreate, volume } = change;
  const limits = [
    ...(hardLimit === undefined ? [] : [element("newHardLimit", hardLimit)]),
    ...(softLimitPercent === undefined ? [] : [element("newSoftLimit", softLimitPercent)]),
    ...(autoDelete === undefined ? [] : [element("autoDelete", autoDelete)]),
    ...(activateOnCreate === undefined ? [] : [element("activateOnCreate", activateOnCreate)]),
  ];
  const scope =
    volume === undefined
      ? element("systemConfig", limits)
      : element("volumeConfig", [element("name", volume), ...limits]);
  return [element("snapConfig", [scope])];
}
