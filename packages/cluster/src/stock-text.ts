/**
 * What stock says, to the letter (its blanks and slips included): scripts match on it. Where a
 * text is Mortar's own, since stock has no such refusal, it says so.
 */

import { healText } from "./heal/heal-text.ts";
import { changeText } from "./volumes/volume-change-text.ts";

const brickAt = (host: string, path: string) => `${host}:${path}`;

const orForce = "Or use 'force' at the end of the command if you want to override this behavior.";

const clusterText = {
  anotherTransaction: () =>
    "Another transaction is in progress. Please try again after some time.",
  anotherTransactionFor: (name: string) =>
    `Another transaction is in progress for ${name}. Please try again after some time.`,
  noMajority: () => "Quorum not met. Volume operation not allowed.",
  peerIsLocalhost: (host: string) => `${host} is localhost`,
  peerMissing: (host: string) => `${host} is not part of cluster`,
  peerHasBricks: (host: string) =>
    `Peer ${host} hosts one or more bricks. If the peer is in not recoverable state then use ` +
    "either replace-brick or remove-brick command with force to remove all bricks from the peer " +
    "and attempt the peer detach again.",
  /** With the blank at its end. */
  peerHasSnapshots: (host: string) =>
    `${host} is part of existing snapshot. Remove those snapshots before proceeding `,
  peerDown: () => "One of the peers is probably down. Check with 'peer status'",
  peerUuidIsOurs: (host: string) => `Peer uuid (host ${host}) is same as local uuid`,
} as const;

const volumeText = {
  volumeExists: (name: string) => `Volume ${name} already exists`,
  volumeMissing: (name: string) => `Volume ${name} does not exist`,
  volumeStartedAlready: (name: string) => `Volume ${name} already started`,
  volumeNotInStartedState: (name: string) => `Volume ${name} is not in the started state`,
  volumeDeleteStarted: (name: string) =>
    `Volume ${name} has been started.Volume needs to be stopped before deletion.`,
  volumeDeleteSnapshots: (name: string, count: number) =>
    `Cannot delete Volume ${name} ,as it has ${count} snapshots. ` +
    "To delete the volume, first delete all the snapshots under it.",
  volumeNameReserved: (name: string) => `"${name}" cannot be the name of a volume.`,
  volumeNameTooLong: (max: number) => `Volname can not exceed ${max} characters.`,
  volumeNameCharacter: (character: string) =>
    `Volume name should not contain "${character}" character.\n` +
    "Volume names can onlycontain alphanumeric, '-' and '_' characters.",
  brickNotInVolume: (brick: string, volume: string) => `No brick ${brick} in volume ${volume}`,
  optionMissing: (name: string) => `Option ${name} does not exist`,
  bricksIncorrect: (supplied: number, count: number) =>
    `Incorrect number of bricks supplied ${supplied} with count ${count}`,
  rebalanceInProgress: (name: string) =>
    `Volume name ${name} rebalance is in progress. Please retry after completion`,
  rebalanceInProgressHere: () => "Rebalance is in progress. Please retry after completion",
  rebalanceSession: (name: string) => `rebalance session is in progress for the volume '${name}'`,
  rebalanceRunning: (name: string) => `rebalance process is running for the volume ${name}`,
  rebalanceStartedAlready: (name: string) => `Rebalance on ${name} is already started`,
  rebalanceNotStarted: (name: string) => `Rebalance not started for volume ${name}.`,
  rebalanceNeedsStart: (name: string) =>
    `Volume ${name} needs to be started to perform rebalance`,
  /** Volumes whose files are all on one set. */
  rebalanceNotDistributed: (name: string) =>
    `Volume ${name} is not a distribute volume or contains only 1 brick.
` +
    "Not performing rebalance",
  removeBrickUncommitted: (name: string) =>
    `A remove-brick task on volume ${name} is not yet committed. ` +
    "Either commit or stop the remove-brick task.",
  removeBrickEarlier: (name: string) =>
    `An earlier remove-brick task exists for volume ${name}. ` +
    "Either commit it or stop it before starting a new task.",
  removeBrickNotStarted: (name: string) => `remove-brick not started for volume ${name}.`,
  removeBrickNeedsStart: (name: string) =>
    `Volume ${name} needs to be started before remove-brick ` +
    "(you can use 'force' or 'commit' to override this behavior)",
  brickStopped: (brick: string) =>
    `Found stopped brick ${brick}. Use force option to remove the offline brick`,
  brickHostDown: (brick: string) => `Host node of the brick ${brick} is down`,
  brickNotDecommissioned: (brick: string) =>
    `Brick ${brick} is not decommissioned. Use start or force option`,
  migrationInProgress: () => "use 'force' option as migration is in progress",
  migrationFailed: () => "use 'force' option as migration has failed",
  removeAllBricks: () => "Deleting all the bricks of the volume is not allowed",
  removeNotASet: (name: string) => `Bricks not from same subvol for ${name}`,
  removeCountIncorrect: (count: number, size: number, kind: string) =>
    `Remove brick incorrect brick count of ${count} for ${kind} ${size}`,
  profileStartedAlready: (name: string) => `Profile on Volume ${name} is already started`,
  profileNotStarted: (name: string) => `Profile on Volume ${name} is not started`,
  clearLocksNoFile: () =>
    "clear-locks getxattr command failed. Reason: No such file or directory",
  volumeNotStarted: (name: string) => `Volume ${name} is not started`,
  volumeNotStartedDot: (name: string) => `Volume ${name} is not started.`,
  logRotateNotStarted: (name: string) => `Volume ${name} needs to be started before log rotate.`,
  notADirectory: (path: string) => `Failed: ${path} is not a directory`,
  brickIncorrect: (brick: string, name: string) => `Incorrect brick ${brick} for volume ${name}`,
  /** Mortar's own: stock has one brick server. */
  engineAfterStart: (name: string, engine: string) =>
    `The bricks of ${name} that run go on as they are; ${engine} serves each brick from its next ` +
    `start on: "volume stop ${name}" and "volume start ${name}", or "volume start ${name} force" ` +
    "for bricks that are down.",
  /** Mortar's own. */
  optionsAfterStart: (name: string, options: readonly string[]) =>
    `The bricks of ${name} take over ${options.join(", ")} when they are started next.`,
} as const;

const brickText = {
  brickMalformed: (words: string) =>
    `Wrong brick type: ${words}, use <HOSTNAME>:<export-dir-abs-path>`,
  arbiterCounts: () =>
    "For arbiter configuration, replica count must be 2 and arbiter count must be 1. " +
    "The 3rd brick of the replica will be the arbiter",
  bricksOfOneServer: (kind: string) =>
    `Multiple bricks of a ${kind} volume are present on the same server. This setup is not ` +
    "optimal. Bricks should be on different nodes to have best fault tolerant configuration. " +
    "Use 'force' at the end of the command if you want to override this behavior. ",
  brickTwice: (words: string) => `Found duplicate exports ${words}`,
  brickLoopback: () =>
    "Please provide a valid hostname/ip other than localhost, 127.0.0.1 or loopback address " +
    "(0.0.0.0 to 0.255.255.255).",
  brickPathTooLong: (path: string) => `brick path ${path} is too long.`,
  hostMissing: (host: string) => `Failed to find host ${host}`,
  brickNotAvailable: (host: string, path: string) =>
    `Brick: ${brickAt(host, path)} not available. ` +
    "Brick may be containing or be contained by an existing brick.",
  brickInUse: (path: string) => `${path} is already part of a volume`,
  brickParentInUse: (path: string) => `parent directory ${path} is already part of a volume`,
  brickMountPoint: (host: string, path: string) =>
    `The brick ${brickAt(host, path)} is a mount point. Please create a sub-directory under the ` +
    `mount point and use that as the brick directory. ${orForce}`,
  brickRootPartition: (host: string, path: string) =>
    `The brick ${brickAt(host, path)} is being created in the root partition. It is recommended ` +
    `that you don't use the system's root partition for storage backend. ${orForce}`,
  brickDirectoryFailed: (host: string, path: string, reason: string) =>
    `Failed to create brick directory for brick ${brickAt(host, path)}. Reason : ${reason} `,
  brickNotDirectory: (path: string) =>
    `The provided path ${path} which is already present, is not a directory`,
  brickNoXattr: (host: string, path: string, reason: string) =>
    `Glusterfs is not supported on brick: ${brickAt(host, path)}.\n` +
    `Setting extended attributes failed, reason: ${reason}.`,
  brickDirectoryMissing: (path: string, volume: string) =>
    `Failed to find brick directory ${path} for volume ${volume}. ` +
    "Reason : No such file or directory",
  brickIdMissing: (path: string) =>
    "Failed to get extended attribute trusted.glusterfs.volume-id for brick dir " +
    `${path}. Reason : No data available`,
  brickIdMismatch: (host: string, path: string, expected: string, found: string) =>
    `Volume id mismatch for brick ${brickAt(host, path)}. ` +
    `Expected volume id ${expected}, volume id ${found} found`,
} as const;

const snapshotText = {
  /** Of create; with the blank at its end. */
  snapVolumeMissing: (volume: string) => `Volume (${volume}) does not exist `,
  snapQueryVolumeMissing: (volume: string) => `Volume (${volume}) does not exist`,
  snapConfigVolumeMissing: (volume: string) => `Volume (${volume}) does not exist.`,
  snapExists: (name: string) => `Snapshot ${name} already exists`,
  snapMissing: (name: string) => `Snapshot (${name}) does not exist`,
  /** Of activate and deactivate. */
  snapMissingDot: (name: string) => `Snapshot (${name}) does not exist.`,
  snapNameTooLong: () => "snapname cannot exceed 255 characters.",
  snapNameCharacters: () => 'Snapname can contain only alphanumeric, "-" and "_" characters',
  snapNameReserved: (name: string) => `"${name}" cannot be a snapname/volname`,
  snapDescriptionEmpty: () => "Snapshot cannot be created with empty description",
  snapDescriptionTruncated: () =>
    "snapshot create: description truncated: " +
    "Description provided is longer than 1024 characters",
  snapVolumeNotStarted: (volume: string) => `volume ${volume} is not started`,
  snapBricksDown: () =>
    "One or more bricks are not running. " +
    "Please run volume status command to see brick status.\n" +
    "All bricks have to be online to take a snapshot." +
    "Please start the stopped brick and then issue snapshot create command.",
  snapNotThin: (volume: string) =>
    "Snapshot is supported only for thin provisioned LV. " +
    `Ensure that all bricks of ${volume} are thinly provisioned LV.`,
  /** Mortar's own: stock takes such snapshots, of which each has the bricks of the others. */
  snapSharedLv: (volume: string) =>
    "Snapshot is supported only for bricks that have a thin provisioned LV of their own. " +
    `Ensure that no brick of ${volume} shares its LV with another brick.`,
  /** Mortar's own. */
  snapPoolUnfit: (volume: string) =>
    `A thin pool under the volume ${volume} cannot take a snapshot in its present state.`,
  snapHardLimit: (limit: number, volume: string) =>
    `The number of existing snaps has reached the effective maximum limit of ${limit}, ` +
    `for the volume (${volume}). ` +
    "Please delete few snapshots before taking further snapshots.",
  snapActivated: (name: string) => `Snapshot ${name} is already activated.`,
  snapDeactivated: (name: string) => `Snapshot ${name} is already deactivated.`,
  snapRestoreStarted: (volume: string) =>
    `Volume (${volume}) has been started. ` +
    "Volume needs to be stopped before restoring a snapshot.",
  /** Mortar's own. */
  snapNotWhole: (volume: string) => `The snapshot is not of all bricks of volume (${volume}).`,
  /** Mortar's own. */
  snapOriginGone: (volume: string) =>
    `Volume (${volume}) is not the one that the snapshot was taken of.`,
} as const;

const cloneText = {
  cloneNameTooLong: () => "clonename cannot exceed 255 characters.",
  cloneNameCharacters: () => 'Clonename can contain only alphanumeric, "-" and "_" characters',
  cloneSnapMissing: (name: string) => `Failed to find :${name} snap`,
  cloneVolumeExists: (name: string) => `Volume with name:${name} already exists`,
  cloneInactive: (name: string) => `Snapshot ${name} is not activated`,
  cloneBricksDown: () =>
    "One or more bricks are not running. " +
    "Please run snapshot status command to see brick status.\n" +
    "Please start the stopped brick and then issue snapshot clone command ",
} as const;

const configText = {
  hardLimitRange: (value: number, max: number) =>
    `Invalid snap-max-hard-limit ${value}. Expected range 1 - ${max}`,
  softLimitRange: (value: number, max: number) =>
    `Invalid snap-max-soft-limit ${value}. Expected range 1 - ${max}`,
  notInteger: (option: string) =>
    `Please enter an integer value greater than zero for ${option}`,
  softLimitOfVolume: () => "Soft limit cannot be set to individual volumes.",
  systemOnly: (option: string) => `As of now, ${option} option cannot be set to volumes`,
  notBoolean: (option: string) => `Please enter a valid boolean value for ${option}`,
  alreadySo: (option: string, enabled: boolean) =>
    `${option} is already ${enabled ? "enabled" : "disabled"}`,
  nothingToSet: () => "Invalid option",
} as const;

export const text = {
  ...clusterText,
  ...volumeText,
  ...changeText,
  ...healText,
  ...brickText,
  ...snapshotText,
  ...cloneText,
  ...configText,
} as const;
