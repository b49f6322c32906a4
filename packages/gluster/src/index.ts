export { GlusterError } from "./error.ts";
export type { GlusterErrorCode } from "./error.ts";
export { BRICK_PORT_FIRST, BRICK_PORT_LAST, PROGRAM } from "./program.ts";
export type { Program } from "./program.ts";
export type { Payload, Procedure } from "./procedure.ts";

export { Dictionary } from "./dictionary.ts";
export type { DictionaryInput } from "./dictionary.ts";
export { NO_DICTIONARY, numberOf, textOf, typed, typedDictionary } from "./typed-dictionary.ts";
export type { TypedDictionary, TypedValue } from "./typed-dictionary.ts";
export {
  flock, GFID_BYTES, iatt, IATT_FLAG, IATT_FLAGS_USUAL, lease, mdata, NO_FLOCK, NO_IATT, NO_STATFS,
  statfs,
} from "./attributes.ts";
export type { Flock, Iatt, Mdata, Statfs } from "./attributes.ts";

export { dump, handshakePing, ping } from "./dump.ts";
export {
  eventNotify, GETSPEC_SERVERS_LIST, getSnapshotInfo, getSpec, getVolumeInfo, setLockVersion,
  setVolume,
} from "./handshake.ts";
export { brickByPort, portByBrick, signIn, signOut } from "./portmap.ts";
export { callback, UPCALL_FLAG } from "./callback.ts";
export {
  barrierRequest, brickOperation, expectBrickSuccess, STATUS_COMMAND, statusRequest,
  terminateRequest,
} from "./brick-operation.ts";
export type { BrickReply, BrickRequest } from "./brick-operation.ts";
export { fops } from "./fops.ts";

export { parseVolfile, printVolfile } from "./volfile.ts";
export type { Translator, Volfile } from "./volfile.ts";
export { brickVolfileKey, parseVolfileKey } from "./volfile-key.ts";
export type { VolfileKey } from "./volfile-key.ts";
export { brickSets, dashedPath, setSize } from "./volume-description.ts";
export type { VolumeBrick, VolumeDescription, VolumeKind } from "./volume-description.ts";
export { clientVolfile } from "./client-volfile.ts";
export type { ClientVolfileOptions } from "./client-volfile.ts";
export { selfHealVolfile } from "./self-heal-volfile.ts";
export { snapshotDaemonName, snapshotDaemonVolfile } from "./snapshot-daemon-volfile.ts";
export { brickVolfile } from "./brick-volfile.ts";
export type { BrickVolfileOptions } from "./brick-volfile.ts";

export { volumeOptions } from "./volume-option-table.ts";
export type { VolumeOption } from "./volume-option-table.ts";
export {
  effectiveOption, effectiveOptions, findOption, initialOptions, optionRows, parseBoolean,
  requireOption,
} from "./volume-options.ts";
export type { EffectiveOption, OptionLookup } from "./volume-options.ts";
export { parseSize, validateOption } from "./option-value.ts";
export { rebalanceVolfile } from "./rebalance-volfile.ts";
export {
  REBALANCE_COMMAND, rebalanceCounts, rebalanceRequest, rebalanceStatuses,
} from "./rebalance-operation.ts";
export type { RebalanceCounts, RebalanceStatusName } from "./rebalance-operation.ts";
