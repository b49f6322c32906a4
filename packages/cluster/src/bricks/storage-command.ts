/** Commands on the storage of bricks: their arguments and payloads, as the HTTP routes have them. */

export interface BrickCreateArgs {
  /** HOST:/mount/point/directory: the file system is mounted above the last component. */
  readonly brick: string;
  readonly sizeBytes: number;
  /** Volume group; one that is not there is made, of `device` or `file`. */
  readonly vg?: string;
  /** A block device that holds nothing. */
  readonly device?: string;
  /** A sparse file that is made. */
  readonly file?: string;
  readonly pool?: string;
  /** Of a pool that is made; absent: all that is free. */
  readonly poolSizeBytes?: number;
  /** Name of the logical volume. */
  readonly name?: string;
  /** Only say what would be done. */
  readonly dryRun?: boolean;
}

/** What is made, or would be, of one brick. */
export interface BrickPlan {
  /** HOST:PATH */
  brick: string;
  node: string;
  mountPoint: string;
  vg: string;
  pool: string;
  lv: string;
  sizeBytes: number;
  /** The steps in words, those that are done already left out. */
  steps: string[];
}

export interface MadeBrickInfo {
  brick: string;
  node: string;
  mountPoint: string;
  vg: string;
  pool: string;
  lv: string;
  sizeBytes: number;
  /** Who has it: `volume V`, `snapshot S`. */
  usedBy: string[];
  /** How much of it is written, as `lvs` prints it; absent when its node does not say. */
  dataPercent?: string;
}

export interface BrickPlaceArgs {
  /** For the names of directories and logical volumes. */
  readonly volume: string;
  readonly sizeBytes: number;
  /** Bricks of one replica or disperse set. */
  readonly setSize: number;
  /** Absent: one set; where a set is one brick, one on each node. */
  readonly setCount?: number;
  /** Host names; absent: all nodes. */
  readonly nodes?: readonly string[];
  /** Volume group on every node; absent: the one with the most room. */
  readonly vg?: string;
  /** Although logical volumes are promised more than the pools have. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Why a brick could not be part of a snapshot now, and what to do. */
export interface BrickObstacle {
  detail: string;
  nextStep: string;
}

export interface BrickReadiness {
  volume: string;
  brick: string;
  /** Host name. */
  node: string;
  obstacles: BrickObstacle[];
  /** What keeps no snapshot from being taken. */
  notes: string[];
}

export interface StorageCommands {
  brickCreate: { args: BrickCreateArgs; payload: BrickPlan };
  brickPlace: { args: BrickPlaceArgs; payload: BrickPlan[] };
  /** Refused while a volume or a snapshot uses it. */
  brickDelete: { args: { readonly brick: string }; payload: { brick: string } };
  brickList: { args: object; payload: MadeBrickInfo[] };
  brickReadiness: { args: { readonly volume?: string }; payload: BrickReadiness[] };
  /** The failure domain of a node; an empty zone takes it away. */
  nodeLabel: {
    args: { readonly host: string; readonly zone: string };
    payload: { uuid: string; zone: string };
  };
}
