/**
 * What a brick can be told to do, with what it does untold. The names of the volume's options stand
 * in `volfile-options.ts`. Plain JSON; a running brick has one object of it (`Brick.options`),
 * which `reconfigure` changes in place, so handlers read it each time and keep nothing.
 */
import { hostname } from "node:os";

export interface TlsOptions {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly authorityFile: string;
  readonly revocationPath: string;
  readonly verifyDepth: number;
  /** OpenSSL's notation; empty: the library's. */
  readonly cipherList: string;
  readonly dhParameterFile: string;
  readonly ellipticCurve: string;
}

export const MANDATORY_LOCKING = ["off", "file", "forced", "optimal"] as const;
export type MandatoryLocking = (typeof MANDATORY_LOCKING)[number];

export interface BrickOptions {
  // Space.
  /** Percent of the file system that is kept free. Not used when `reserveBytes` is set. */
  readonly reservePercent: number;
  /** 0: the percentage counts. */
  readonly reserveBytes: number;
  /** How many bricks share the file system: its size is divided by it. */
  readonly sharedBrickCount: number;

  // New objects.
  /** Of the brick's root, set at the start; -1 leaves it. */
  readonly ownerUid: number;
  readonly ownerGid: number;
  /** Permissions that a new file, a new directory always has; and those that it may have. */
  readonly forceCreateMode: number;
  readonly forceDirectoryMode: number;
  readonly createMask: number;
  readonly createDirectoryMask: number;
  /** Names of one file; 0: as many as the file system allows. */
  readonly maxHardlinks: number;
  readonly storesParentLinks: boolean;
  readonly parentLinkSeparator: string;
  readonly keepsTimes: boolean;

  // Answers.
  /** What `trusted.glusterfs.node-uuid` answers; empty: no such attribute. */
  readonly nodeUuid: string;
  readonly hostname: string;
  readonly nodeUuidInPathinfo: boolean;
  /** RCHECKSUM answers SHA-256, else MD5. */
  readonly fipsChecksum: boolean;

  // Health. 0: it is not checked.
  readonly healthCheckSeconds: number;
  readonly healthCheckTimeoutSeconds: number;

  // Who may do what.
  readonly readOnly: boolean;
  /** Permissions and ACLs are checked here, too. */
  readonly checksAccess: boolean;
  readonly rootSquash: boolean;
  readonly allSquash: boolean;
  readonly anonymousUid: number;
  readonly anonymousGid: number;
  /** Groups of a caller are those that this node knows, not those that it says. */
  readonly managesGroups: boolean;
  readonly groupTimeoutSeconds: number;
  /** Clients from ports of 1024 and more are served. */
  readonly allowsInsecurePorts: boolean;
  /** Clients that may not connect any more after a change are disconnected. */
  readonly dynamicAuthentication: boolean;

  // Services.
  readonly barrierSeconds: number;
  readonly isArbiter: boolean;
  readonly mandatoryLocking: MandatoryLocking;
  /** Clients may say of a file that only who has a lock reads and writes it. */
  readonly enforcesMandatoryLock: boolean;
  readonly notifiesContention: boolean;
  readonly contentionDelaySeconds: number;
  readonly cacheInvalidation: boolean;
  readonly cacheInvalidationSeconds: number;
  readonly leases: boolean;
  readonly leaseRecallSeconds: number;
  /**
   * Counters that make an index entry while they are not zero, with commas between them: prefixes
   * of replicate's (`xattrop`), names of replicate's own (`dirty`), names of disperse's (`xattrop`).
   * Empty: what glusterfsd watches untold (`indexWatch`); there is always an index.
   */
  readonly indexPending: string;
  readonly indexDirty: string;
  readonly indexDirty64: string;

  // Transport. 0 leaves what the kernel does.
  readonly listenBacklog: number;
  readonly keepAlive: boolean;
  readonly keepAliveSeconds: number;
  readonly keepAliveIntervalSeconds: number;
  readonly keepAliveCount: number;
  readonly userTimeoutSeconds: number;
  readonly windowBytes: number;
  /** Requests of one client that wait (for a worker, a lock, the barrier); 0: no limit. */
  readonly outstandingMax: number;
  readonly tls: TlsOptions | null;

  /** "DEBUG" … "NONE": what is less is not logged. */
  readonly logLevel: string;
}

export const DEFAULT_TLS: TlsOptions = {
  certificateFile: "/etc/ssl/glusterfs.pem",
  keyFile: "/etc/ssl/glusterfs.key",
  authorityFile: "/etc/ssl/glusterfs.ca",
  revocationPath: "",
  verifyDepth: 1,
  cipherList: "",
  dhParameterFile: "/etc/ssl/dhparam.pem",
  ellipticCurve: "prime256v1",
};

export const DEFAULT_OPTIONS: BrickOptions = {
  reservePercent: 1, reserveBytes: 0, sharedBrickCount: 1,
  ownerUid: -1, ownerGid: -1, forceCreateMode: 0, forceDirectoryMode: 0,
  createMask: 0o777, createDirectoryMask: 0o777, maxHardlinks: 100,
  storesParentLinks: true, parentLinkSeparator: ":", keepsTimes: true,
  nodeUuid: "", hostname: "", nodeUuidInPathinfo: false, fipsChecksum: true,
  healthCheckSeconds: 30, healthCheckTimeoutSeconds: 20,
  readOnly: false, checksAccess: true, rootSquash: false, allSquash: false,
  anonymousUid: 65_534, anonymousGid: 65_534, managesGroups: false, groupTimeoutSeconds: 300,
  allowsInsecurePorts: true, dynamicAuthentication: true,
  barrierSeconds: 120, isArbiter: false, mandatoryLocking: "off", enforcesMandatoryLock: false,
  notifiesContention: true,
  contentionDelaySeconds: 5, cacheInvalidation: false, cacheInvalidationSeconds: 60,
  leases: false, leaseRecallSeconds: 60,
  indexPending: "", indexDirty: "", indexDirty64: "",
  listenBacklog: 1024, keepAlive: true, keepAliveSeconds: 20, keepAliveIntervalSeconds: 2,
  keepAliveCount: 9, userTimeoutSeconds: 42, windowBytes: 0, outstandingMax: 64, tls: null,
  logLevel: "INFO",
};

/** What was told over what is done untold. */
export function completeOptions(told: Partial<BrickOptions> | undefined): BrickOptions {
  return { ...DEFAULT_OPTIONS, hostname: hostname(), ...told };
}

/** Names of members that differ. */
export function changedOptions(before: BrickOptions, after: BrickOptions): (keyof BrickOptions)[] {
  const members = Object.keys(DEFAULT_OPTIONS) as (keyof BrickOptions)[];
  return members.filter(
    (member) => JSON.stringify(before[member]) !== JSON.stringify(after[member]),
  );
}
