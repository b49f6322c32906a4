/** Snapshots as text, to the blank. */
import type {
  SnapshotBrick,
  SnapshotConfig,
  SnapshotConfigBody,
  SnapshotCreated,
  SnapshotInfo,
  SnapshotInfoList,
  SnapshotRef,
  SnapshotStatus,
} from "@mortar/api";
import { timeText } from "./answer.ts";

/** Stock ends the text of every refused snapshot command with this line. */
export const failedLast = "Snapshot command failed";

export function snapshotCreateText(created: SnapshotCreated): string {
  const done = `snapshot create: success: Snap ${created.name} created successfully\n`;
  if (!created.softLimitReached) return done;
  return (
    `${done}Warning: Soft-limit of volume (${created.volume}) is reached. ` +
    "Snapshot creation is not possible once hard-limit is reached.\n"
  );
}

export function snapshotListText(snapshots: readonly SnapshotRef[]): string {
  if (snapshots.length === 0) return "No snapshots present\n";
  return snapshots.map(({ name, deleting }) => `${name}${deletingText(deleting)}\n`).join("");
}

/** Nothing, or where its deletion waits. */
export function deletingText(deleting: SnapshotRef["deleting"]): string {
  if (deleting === undefined) return "";
  const hosts = [...new Set(deleting.left.map(({ host }) => host))];
  return ` (deleting${hosts.length === 0 ? "" : `, waits for ${hosts.join(", ")}`})`;
}

function deletingLines(deleting: SnapshotRef["deleting"]): string {
  if (deleting === undefined) return "";
  const left = deleting.left.map(({ host, object }) => `${host}:${object}`).join(", ");
  return labelled("Deleting since", timeText(deleting.since)) + labelled("Not removed yet", left);
}

export function snapshotInfoText(list: SnapshotInfoList): string {
  const { volume, snapshots } = list;
  if (volume !== undefined) {
    return (
      labelled("Volume Name", volume.name) +
      labelled("Snaps Taken", volume.snapsTaken) +
      labelled("Snaps Available", volume.snapsAvailable) +
      snapshots.map(infoOfVolume).join("")
    );
  }
  if (snapshots.length === 0) return "No snapshots present\n";
  return snapshots.map(infoOfSnapshot).join("");
}

function infoOfSnapshot(snapshot: SnapshotInfo): string {
  const volumes = snapshot.snapVolumes.map(
    (it) =>
      `\t${labelled("Snap Volume Name", it.name)}` +
      `\t${labelled("Origin Volume name", it.originVolume)}` +
      `\tSnaps taken for ${it.originVolume}      : ${it.snapsTaken}\n` +
      `\tSnaps available for ${it.originVolume}  : ${it.snapsAvailable}\n` +
      `\t${labelled("Status", it.status)}`,
  );
  return `${head(snapshot, "")}Snap Volumes:\n\n${volumes.join("")} \n`;
}

function infoOfVolume(snapshot: SnapshotInfo): string {
  const states = snapshot.snapVolumes.map((it) => `\t${labelled("Status", it.status)}`);
  return `${head(snapshot, "\t")}${states.join("")} \n`;
}

function head(snapshot: SnapshotInfo, indent: string): string {
  const { description } = snapshot;
  return (
    indent +
    labelled("Snapshot", snapshot.name) +
    indent +
    labelled("Snap UUID", snapshot.uuid) +
    (description === undefined ? "" : indent + labelled("Description", description)) +
    indent +
    labelled("Created", timeText(snapshot.createdAt)) +
    deletingLines(snapshot.deleting)
  );
}

function labelled(label: string, value: string | number): string {
  return `${label.padEnd(25)} : ${value}\n`;
}

export function snapshotStatusText(snapshots: readonly SnapshotStatus[]): string {
  if (snapshots.length === 0) return "No snapshots present\n";
  return snapshots
    .map((snapshot) => {
      const bricks = snapshot.bricks.map((brick) => brickText(snapshot, brick));
      const name = `${snapshot.name}${deletingText(snapshot.deleting)}`;
      return `\nSnap Name : ${name}\nSnap UUID : ${snapshot.uuid}\n${bricks.join("")}`;
    })
    .join("");
}

/** Stock takes the size over from lvs with its line end: a blank line follows a known size. */
function brickText(snapshot: SnapshotStatus, brick: SnapshotBrick): string {
  const rows = snapshotBrickFields(snapshot, brick).map(
    ([label, value]) => `\t${label.padEnd(17)} :   ${value}\n`,
  );
  return `\n${rows.join("")}${brick.lvSize === undefined ? "" : "\n"}`;
}

/** The values of one brick in the order of text and XML. */
export function snapshotBrickFields(
  snapshot: SnapshotStatus,
  brick: SnapshotBrick,
): readonly (readonly [label: string, value: string])[] {
  const group = snapshot.activated ? "N/A" : "N/A (Deactivated Snapshot)";
  const running = brick.running === undefined ? "N/A" : brick.running ? "Yes" : "No";
  return [
    ["Brick Path", `${brick.host}:${brick.path}`],
    ["Volume Group", brick.volumeGroup ?? group],
    ["Brick Running", running],
    ["Brick PID", brick.pid === undefined ? "N/A" : String(brick.pid)],
    ["Data Percentage", brick.dataPercent ?? "N/A"],
    ["LV Size", brick.lvSize ?? "N/A"],
  ];
}

export function configText(config: SnapshotConfig): string {
  const { system } = config;
  const volumes = config.volumes.map(
    (volume) =>
      `\nVolume : ${volume.name}\nsnap-max-hard-limit : ${volume.hardLimit}\n` +
      `Effective snap-max-hard-limit : ${volume.effectiveHardLimit}\n` +
      `Effective snap-max-soft-limit : ${volume.effectiveSoftLimit} ` +
      `(${system.softLimitPercent}%)\n`,
  );
  return (
    `\nSnapshot System Configuration:\nsnap-max-hard-limit : ${system.hardLimit}\n` +
    `snap-max-soft-limit : ${system.softLimitPercent}%\n` +
    `auto-delete : ${switchWord(system, "autoDelete")}\n` +
    `activate-on-create : ${switchWord(system, "activateOnCreate")}\n` +
    `\nSnapshot Volume Configuration:\n${volumes.join("")}`
  );
}

/** As it was typed; older daemons do not tell. */
export function switchWord(
  system: SnapshotConfig["system"], name: "autoDelete" | "activateOnCreate",
): string {
  return system.words?.[name] ?? (system[name] ? "enable" : "disable");
}

export function configChangeText(change: SnapshotConfigBody): string {
  return `snapshot config: ${changed(change)}\n`;
}

function changed(change: SnapshotConfigBody): string {
  if (change.autoDelete !== undefined) return "auto-delete successfully set";
  if (change.activateOnCreate !== undefined) return "activate-on-create successfully set";
  const scope = change.volume ?? "System";
  if (change.hardLimit === undefined) return `snap-max-soft-limit for ${scope} set successfully`;
  if (change.softLimitPercent === undefined) {
    return `snap-max-hard-limit for ${scope} set successfully`;
  }
  return "snap-max-hard-limit & snap-max-soft-limit for system set successfully";
}
