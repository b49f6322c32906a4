/**
 * The small steps all operations are made of. Each returns a new group and leaves the old one
 * alone.
 */

import { Lvm2Error } from "./errors.ts";
import { newLvmId } from "./lvm-id.ts";
import type { ConfigEntry } from "./config-tree.ts";
import { isSection } from "./config-tree.ts";
import type {
  LogicalVolume,
  PoolMessage,
  Provenance,
  Segment,
  ThinPool,
  VolumeGroup,
} from "./model.ts";
import { isVisible } from "./vg-query.ts";

/** What an operation that makes one LV returns. */
export interface Created {
  readonly vg: VolumeGroup;
  readonly lv: LogicalVolume;
}

/** Refuses a group that is exported, read-only, shared, or another host's. */
export function requireChangeable(vg: VolumeGroup): void {
  const refuse = (message: string): never => {
    throw new Lvm2Error("read-only", message);
  };
  if (vg.status.includes("EXPORTED")) refuse(`Volume group ${vg.name} is exported`);
  if (!vg.status.includes("WRITE")) refuse(`Volume group ${vg.name} is read-only`);
  if (vg.status.includes("CLUSTERED") || (vg.lockType !== "" && vg.lockType !== "none")) {
    refuse(`Volume group ${vg.name} is shared and needs LVM's lock daemon`);
  }
  if (vg.systemId !== "") {
    refuse(
      `Cannot access VG ${vg.name} with system ID ${vg.systemId} with unknown local system ID.`,
    );
  }
  if (vg.physicalVolumes.some((pv) => pv.flags.includes("MISSING"))) {
    throw new Lvm2Error("missing-pv", `Cannot change VG ${vg.name} while PVs are missing.`);
  }
}

/** Refuses an LV that is in the middle of something, or of a type that is not understood. */
export function requireLvChangeable(vg: VolumeGroup, lv: LogicalVolume, verb: string): void {
  if (lv.status.includes("LOCKED") || lv.status.includes("PVMOVE")) {
    throw new Lvm2Error("in-use", `Can't ${verb} locked logical volume ${vg.name}/${lv.name}.`);
  }
  const opaque = lv.segments.find((segment) => segment.type === "opaque");
  if (opaque) {
    throw new Lvm2Error(
      "unsupported",
      `Can't ${verb} logical volume ${vg.name}/${lv.name}: ` +
        `its segment type ${opaque.textType} is not supported here; use LVM itself.`,
    );
  }
}

/** Refuses an LV that something not understood refers to by name. */
export function requireNotReferenced(vg: VolumeGroup, lv: LogicalVolume, verb: string): void {
  const user = vg.logicalVolumes.find((other) =>
    other.segments.some(
      (segment) =>
        mentions(segment.extra, lv.name) ||
        (segment.type === "striped" && segment.stripes.some((stripe) => stripe.target === lv.name)),
    ),
  );
  if (!user) return;
  throw new Lvm2Error(
    "in-use",
    `Can't ${verb} logical volume ${vg.name}/${lv.name} used by ${vg.name}/${user.name}.`,
  );
}

function mentions(entries: readonly ConfigEntry[], name: string): boolean {
  return entries.some((entry) => {
    if (isSection(entry)) return mentions(entry.entries, name);
    const { value } = entry;
    if (value.kind === "array") {
      return value.items.some((item) => item.kind === "string" && item.text === name);
    }
    return value.kind === "string" && value.text === name;
  });
}

/** Room for `count` more visible LVs under max_lv. */
export function requireLvRoom(vg: VolumeGroup): void {
  if (vg.maxLv === 0 || vg.logicalVolumes.filter(isVisible).length < vg.maxLv) return;
  throw new Lvm2Error(
    "limit-reached",
    `Maximum number of logical volumes (${vg.maxLv}) reached in volume group ${vg.name}`,
  );
}

export function replaceLv(vg: VolumeGroup, name: string, next: LogicalVolume): VolumeGroup {
  return {
    ...vg,
    logicalVolumes: vg.logicalVolumes.map((lv) => (lv.name === name ? next : lv)),
  };
}

export function addLv(vg: VolumeGroup, lv: LogicalVolume): VolumeGroup {
  return { ...vg, logicalVolumes: [...vg.logicalVolumes, lv] };
}

export function dropLvs(vg: VolumeGroup, names: ReadonlySet<string>): VolumeGroup {
  return { ...vg, logicalVolumes: vg.logicalVolumes.filter((lv) => !names.has(lv.name)) };
}

export function mapSegments(
  vg: VolumeGroup,
  change: (segment: Segment, lv: LogicalVolume) => Segment,
): VolumeGroup {
  return {
    ...vg,
    logicalVolumes: vg.logicalVolumes.map((lv) => {
      const segments = lv.segments.map((segment) => change(segment, lv));
      return segments.every((segment, index) => segment === lv.segments[index])
        ? lv
        : { ...lv, segments };
    }),
  };
}

/** A new LV, dated and with an id. */
export function newLv(
  provenance: Provenance,
  lv: {
    readonly name: string;
    readonly segments: readonly Segment[];
    readonly visible?: boolean;
    readonly readOnly?: boolean | undefined;
    readonly flags?: readonly string[];
    readonly tags?: readonly string[] | undefined;
  },
): LogicalVolume {
  const status = ["READ"];
  if (lv.readOnly !== true) status.push("WRITE");
  if (lv.visible !== false) status.push("VISIBLE");
  return {
    name: lv.name,
    id: newLvmId(provenance.random),
    status,
    flags: lv.flags ?? [],
    tags: lv.tags ?? [],
    creationTime: provenance.now,
    creationHost: provenance.host,
    allocationPolicy: "inherit",
    extra: [],
    segments: lv.segments,
  };
}

/**
 * Queue a message and step the transaction. The pool must be idle: a message left over from an
 * earlier change has to reach the pool, and be stripped, before the next is queued.
 */
export function queueMessage(vg: VolumeGroup, pool: ThinPool, message: PoolMessage): VolumeGroup {
  const { transactionId } = pool.segment;
  const segment = { ...pool.segment, transactionId: transactionId + 1 };
  return joinMessage(vg, { ...pool, segment }, message);
}

/** One more in the transaction that is queued: the pool performs all of it in one commit. */
export function joinMessage(vg: VolumeGroup, pool: ThinPool, message: PoolMessage): VolumeGroup {
  const segment = { ...pool.segment, messages: [...pool.segment.messages, message] };
  return replaceLv(vg, pool.lv.name, { ...pool.lv, segments: [segment] });
}

export function requireIdlePool(vg: VolumeGroup, pool: ThinPool): void {
  if (pool.segment.messages.length === 0) return;
  throw new Lvm2Error(
    "pending-messages",
    `Thin pool ${vg.name}/${pool.lv.name} has messages that it has not been sent yet.`,
  );
}

/** The text of the second commit: what was queued has reached the pool. */
export function stripMessages(vg: VolumeGroup, poolName: string): VolumeGroup {
  return mapSegments(vg, (segment, lv) =>
    lv.name === poolName && segment.type === "thin-pool" && segment.messages.length > 0
      ? { ...segment, messages: [] }
      : segment,
  );
}

/** Every commit carries the next number; the highest wins when metadata areas disagree. */
export function withNextSeqno(vg: VolumeGroup): VolumeGroup {
  return { ...vg, seqno: vg.seqno + 1 };
}
