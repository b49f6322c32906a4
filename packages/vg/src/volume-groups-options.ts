/** How the volume groups of a machine are opened, and what is asked of them. */
import type { CommitRecorder } from "./commit-recorder.ts";
import type { BootRecorder } from "./boot-groups.ts";
import type { EngineChoice } from "./engine-choice.ts";
import type { Step } from "./host.ts";
import type { PoolPolicy } from "./pool-policy.ts";

export interface VolumeGroupsOptions {
  /** `/run/mortar` or `ROOT/run/mortar`: pools live under it in `pools/VG-POOL/`. */
  readonly runDirectory: string;
  /** LVM's lock files; machine-wide. Default `/run/lock/lvm`, with `nbdOnly` RUN/lock. */
  readonly lockDirectory?: string;
  /** Who carries what is activated. Default `auto`: the kernel where it has dm-thin, else Mortar. */
  readonly engine?: EngineChoice | undefined;
  /** Which block devices may be scanned. Default: all. */
  readonly deviceFilter?: ((devicePath: string) => boolean) | undefined;
  /** Plain files that may hold a physical volume, besides the block devices. Default: none. */
  readonly files?: readonly string[] | undefined;
  /**
   * Neither mounts nor loop devices: active LVs are NBD exports of their pool and nothing else.
   * Default: for a process that is not root.
   */
  readonly nbdOnly?: boolean;
  /** How long to wait for a lock held by another command. Default 60 s. */
  readonly lockTimeoutMs?: number;
  /** Called for what an operator should read and that stops nothing. Default: ignored. */
  readonly warn?: (sentence: string) => void;
  /** Keeps copies of the text around each commit, as LVM's archive. Default: none. */
  readonly recorder?: CommitRecorder | undefined;
  /** Keeps what the next start of the machine activates. Default: none. */
  readonly boot?: BootRecorder | undefined;
  /** Over DEFAULT_POLICY. Without a command, no pool grows by itself. */
  readonly policy?: Partial<PoolPolicy>;
  /** Called after each durable step of a change; a throw ends the operation there. For tests. */
  readonly step?: (step: Step) => void;
}

export interface LvName {
  readonly vg: string;
  readonly lv: string;
}

export interface ThinSnapshotRequest {
  readonly vg: string;
  readonly origin: string;
  /** Absent: LVM's next `lvolN`. */
  readonly name?: string | undefined;
  /** Set the flag that keeps plain `-ay` from activating it. Default true, as LVM. */
  readonly setActivationSkip?: boolean;
  readonly readOnly?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Make its block device in the same step. Default true. */
  readonly activate?: boolean;
  /**
   * Freeze the origin's mounted file system around the pool's commit, as device-mapper does.
   * Default true; false when the caller holds it frozen already.
   */
  readonly freeze?: boolean;
  /** Although the pool is above its threshold. Default false. */
  readonly force?: boolean;
  /** Further ones, of origins in the same pool: all in one transaction, of the same moment. */
  readonly others?: readonly { readonly origin: string; readonly name: string }[] | undefined;
  /**
   * Called when all is prepared: `take` is the moment itself, one commit of the pool. The group stays
   * locked until this returns. Throw a VgError "abandoned" instead of calling `take`: nothing is left.
   */
  readonly hold?: (take: () => Promise<void>) => Promise<void>;
}
