/** A volume, as far as volfiles depend on it. The generators are pure functions of it. */

import { GlusterError } from "./error.ts";

export type VolumeKind = "distribute" | "replicate" | "disperse";

export interface VolumeBrick {
  /** The node's address as clients are to use it. */
  readonly host: string;
  /** The brick directory: absolute. */
  readonly path: string;
  /**
   * The name under which replicas note what this brick has missed. It stays when bricks are
   * replaced, and the volume of a snapshot keeps its origin's. Default: VOLUME-client-INDEX.
   */
  readonly id?: string;
  /** Its set is being emptied, to be removed. */
  readonly decommissioned?: boolean;
}

export interface VolumeDescription {
  /** The volume's name; of a snapshot, its 32 hexadecimal digits. */
  readonly name: string;
  /** The volume id in its 36-character form. */
  readonly id: string;
  readonly kind: VolumeKind;
  /** Copies of each file, arbiters included. Only for "replicate". */
  readonly replicaCount?: number;
  /** 1: the last brick of each replica set is an arbiter. */
  readonly arbiterCount?: number;
  /** Bricks of a disperse set, and how many of them may be lost. Only for "disperse". */
  readonly disperseCount?: number;
  readonly redundancyCount?: number;
  /** In order; consecutive bricks form the sets. */
  readonly bricks: readonly VolumeBrick[];
  /** Options that were set, by full name. Absent ones have their default. */
  readonly options: Readonly<Record<string, string>>;
  /** What nodes of the trusted pool present to a brick. */
  readonly credentials: { readonly username: string; readonly password: string };
  /** The volume of a snapshot: its clients get it read-only. */
  readonly snapshot?: boolean;
  /** Soft quota switches raise it; 0 when quota never was on. */
  readonly quotaVersion?: number;
}

type SetShape = Pick<VolumeDescription, "name" | "kind" | "replicaCount" | "disperseCount">;

/** Bricks per replica or disperse set; 1 for a plain distribute volume. */
export function setSize(volume: SetShape): number {
  if (volume.kind === "distribute") return 1;
  return required(volume, volume.kind === "replicate" ? "replicaCount" : "disperseCount");
}

function required(volume: SetShape, key: "replicaCount" | "disperseCount"): number {
  const value = volume[key] ?? 0;
  if (Number.isSafeInteger(value) && value >= 2) return value;
  throw new GlusterError("bad-volume", `volume ${volume.name}: ${key} is ${value}, 2 is the least`);
}

/** The consecutive bricks of each set. Throws GlusterError "bad-volume" when one is not whole. */
export function brickSets(volume: VolumeDescription): (readonly VolumeBrick[])[] {
  const size = setSize(volume);
  const { bricks, name } = volume;
  if (bricks.length === 0 || bricks.length % size !== 0) {
    throw new GlusterError(
      "bad-volume",
      `volume ${name}: ${bricks.length} bricks do not make whole sets of ${size}`,
    );
  }
  return Array.from({ length: bricks.length / size }, (_, set) =>
    bricks.slice(set * size, (set + 1) * size),
  );
}

/** The brick's path as it appears in volfile keys, pid files and logs. */
export function dashedPath(path: string): string {
  return path.replace(/^\//, "").replaceAll("/", "-");
}
