/**
 * Every option that a brick's volfile can have, and what becomes of it:
 *
 * - OPTION_MEMBERS: a member of BrickOptions, with how its text is read;
 * - IGNORED: it has no meaning here, and why; it is logged once;
 * - REFUSED: a feature that is not served. Without it the volume would look as if it were on, so a
 *   brick with it does not start, and says what to do.
 *
 * Keys are TRANSLATOR:OPTION. What stands in none of them is ignored as unknown, and logged too.
 */
import { parseBoolean, parseSize } from "@mortar/gluster";
import { MANDATORY_LOCKING } from "./options.ts";
import type { BrickOptions } from "./options.ts";

/** Reads an option's text; undefined: it is no value for it. */
type Read = (text: string) => Partial<BrickOptions> | undefined;
type MembersOf<T> = {
  [Member in keyof BrickOptions]: BrickOptions[Member] extends T ? Member : never;
}[keyof BrickOptions];

function flag(member: MembersOf<boolean>): Read {
  return (text) => {
    const value = parseBoolean(text);
    return value === undefined ? undefined : { [member]: value };
  };
}

function integer(member: MembersOf<number>, min: number, max: number, octal = false): Read {
  return (text) => {
    const value = octal ? parseInt(text, 8) : Number(text);
    const isValid = Number.isInteger(value) && value >= min && value <= max;
    return isValid ? { [member]: value } : undefined;
  };
}

const SECONDS: Readonly<Record<string, number>> = {
  "": 1, s: 1, sec: 1, m: 60, min: 60, h: 3600, hr: 3600, d: 86_400, days: 86_400,
  w: 604_800, wk: 604_800,
};

function seconds(member: MembersOf<number>): Read {
  return (text) => {
    const [, digits, unit = ""] = /^(\d+) ?([a-z]*)$/i.exec(text) ?? [];
    const factor = SECONDS[unit.toLowerCase()];
    return digits === undefined || factor === undefined
      ? undefined : { [member]: Number(digits) * factor };
  };
}

function bytes(member: MembersOf<number>): Read {
  return (text) => {
    const size = parseSize(text);
    return Number.isNaN(size) ? undefined : { [member]: size };
  };
}

type WordMember = "indexPending" | "indexDirty" | "indexDirty64" | "parentLinkSeparator";

function word(member: WordMember): Read {
  return (text) => ({ [member]: text });
}

/** A percentage, or a size: less than 100 is a percentage with or without its sign. */
const reserve: Read = (text) => {
  const percent = /^(\d+(?:\.\d+)?)%?$/.exec(text)?.[1];
  if (percent !== undefined && (Number(percent) < 100 || text.endsWith("%"))) {
    return Number(percent) > 100 ? undefined : { reservePercent: Number(percent), reserveBytes: 0 };
  }
  const size = parseSize(text);
  return Number.isNaN(size) ? undefined : { reserveBytes: size };
};

const mandatoryLocking: Read = (text) => {
  const found = MANDATORY_LOCKING.find((mode) => mode === text);
  return found === undefined ? undefined : { mandatoryLocking: found };
};

const ID_MAX = 0xffff_ffff;

export const OPTION_MEMBERS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["storage/posix:reserve", reserve],
  ["storage/posix:shared-brick-count", integer("sharedBrickCount", 0, 1_000_000)],
  ["storage/posix:brick-uid", integer("ownerUid", -1, ID_MAX)],
  ["storage/posix:brick-gid", integer("ownerGid", -1, ID_MAX)],
  ["storage/posix:force-create-mode", integer("forceCreateMode", 0, 0o777, true)],
  ["storage/posix:force-directory-mode", integer("forceDirectoryMode", 0, 0o777, true)],
  ["storage/posix:create-mask", integer("createMask", 0, 0o777, true)],
  ["storage/posix:create-directory-mask", integer("createDirectoryMask", 0, 0o777, true)],
  ["storage/posix:max-hardlinks", integer("maxHardlinks", 0, ID_MAX)],
  ["storage/posix:gfid2path", flag("storesParentLinks")],
  ["storage/posix:gfid2path-separator", word("parentLinkSeparator")],
  ["storage/posix:ctime", flag("keepsTimes")],
  ["storage/posix:node-uuid-pathinfo", flag("nodeUuidInPathinfo")],
  ["storage/posix:fips-mode-rchecksum", flag("fipsChecksum")],
  ["storage/posix:health-check-interval", seconds("healthCheckSeconds")],
  ["storage/posix:health-check-timeout", seconds("healthCheckTimeoutSeconds")],
  ["features/read-only:read-only", flag("readOnly")],
  ["features/locks:mandatory-locking", mandatoryLocking],
  ["features/locks:enforce-mandatory-lock", flag("enforcesMandatoryLock")],
  ["features/locks:notify-contention", flag("notifiesContention")],
  ["features/locks:notify-contention-delay", seconds("contentionDelaySeconds")],
  ["features/upcall:cache-invalidation", flag("cacheInvalidation")],
  ["features/upcall:cache-invalidation-timeout", seconds("cacheInvalidationSeconds")],
  ["features/leases:leases", flag("leases")],
  ["features/leases:lease-lock-recall-timeout", seconds("leaseRecallSeconds")],
  ["features/barrier:barrier-timeout", seconds("barrierSeconds")],
  ["features/index:xattrop-pending-watchlist", word("indexPending")],
  ["features/index:xattrop-dirty-watchlist", word("indexDirty")],
  ["features/index:xattrop64-watchlist", word("indexDirty64")],
  ["protocol/server:root-squash", flag("rootSquash")],
  ["protocol/server:all-squash", flag("allSquash")],
  ["protocol/server:anonuid", integer("anonymousUid", 0, ID_MAX)],
  ["protocol/server:anongid", integer("anonymousGid", 0, ID_MAX)],
  ["protocol/server:manage-gids", flag("managesGroups")],
  ["protocol/server:gid-timeout", seconds("groupTimeoutSeconds")],
  ["protocol/server:rpc-auth-allow-insecure", flag("allowsInsecurePorts")],
  ["protocol/server:dynamic-auth", flag("dynamicAuthentication")],
  ["protocol/server:rpc.outstanding-rpc-limit", integer("outstandingMax", 0, 65_536)],
  ["protocol/server:tcp-window-size", bytes("windowBytes")],
  ["protocol/server:transport.listen-backlog", integer("listenBacklog", 0, 2 ** 31 - 1)],
  ["protocol/server:transport.socket.keepalive", flag("keepAlive")],
  ["protocol/server:transport.socket.keepalive-time", seconds("keepAliveSeconds")],
  ["protocol/server:transport.socket.keepalive-interval", seconds("keepAliveIntervalSeconds")],
  ["protocol/server:transport.socket.keepalive-count", integer("keepAliveCount", 0, 127)],
  ["protocol/server:transport.tcp-user-timeout", seconds("userTimeoutSeconds")],
  ["debug/io-stats:log-level", (text) => ({ logLevel: text })],
]);

/** Members that a running brick cannot change. */
export const NEEDS_RESTART: ReadonlySet<keyof BrickOptions> = new Set<keyof BrickOptions>([
  "isArbiter", "indexPending", "indexDirty", "indexDirty64", "listenBacklog", "tls",
  // What it may read is settled at the start.
  "managesGroups",
]);

const OWN_LOOP = "one thread serves all, with workers for what waits for the disk";
const SOCKET = "the owner asks over the control socket instead";
const CHANGELOG = "only with the changelog, which is not served";
const TRASH = "only with the trash, which is not served";
const QUOTA = "only with quota, which is not served";
const WORM = "only with WORM, which is not served";
const COUNTED = "everything is counted always";
const LOGGED = "the log is what the process writes on standard error";

export const IGNORED: ReadonlyMap<string, string> = new Map([
  ["storage/posix:linux-aio", OWN_LOOP],
  ["storage/posix:linux-io_uring", OWN_LOOP],
  ["storage/posix:batch-fsync-mode", "each fsync is a job of a worker"],
  ["storage/posix:batch-fsync-delay-usec", "each fsync is a job of a worker"],
  ["features/locks:trace", "locks are told by a statedump"],
  ["performance/io-threads:*", OWN_LOOP],
  ["features/selinux:selinux", "the label is an attribute like any other"],
  ["features/sdfs:pass-through", "operations on names never run at the same time"],
  ["protocol/server:inode-lru-limit", "the table of inodes has a fixed size"],
  ["protocol/server:statedump-path", "the owner writes it, there"],
  ["protocol/server:event-threads", OWN_LOOP],
  ["protocol/server:transport.socket.own-thread", OWN_LOOP],
  ["protocol/server:transport-type", "TCP is what there is"],
  ["protocol/server:transport.address-family", "it follows from the address"],
  ["protocol/server:rpc-auth.auth-glusterfs", "clients have no other credential"],
  ["protocol/server:rpc-auth.auth-unix", "clients have no such credential"],
  ["protocol/server:rpc-auth.auth-null", "it is taken before a client introduces itself"],
  ["debug/io-stats:latency-measurement", COUNTED],
  ["debug/io-stats:count-fop-hits", COUNTED],
  ["debug/io-stats:dump-fd-stats", COUNTED],
  ["debug/io-stats:threads", OWN_LOOP],
  ["debug/io-stats:global-threading", OWN_LOOP],
  ["debug/io-stats:sys-log-level", LOGGED],
  ["debug/io-stats:logger", LOGGED],
  ["debug/io-stats:log-format", LOGGED],
  ["debug/io-stats:log-buf-size", LOGGED],
  ["debug/io-stats:log-flush-timeout", LOGGED],
  ["debug/io-stats:ios-dump-interval", SOCKET],
  ["debug/io-stats:ios-dump-format", SOCKET],
  ["debug/io-stats:ios-sample-interval", "every operation is counted, none is sampled"],
  ["debug/io-stats:ios-sample-buf-size", "every operation is counted, none is sampled"],
  ["debug/io-stats:ios-dnscache-ttl-sec", "no name is resolved"],
  ["features/changelog:*", CHANGELOG],
  ["features/trash:*", TRASH],
  ["features/quota:*", QUOTA],
  ["features/marker:*", QUOTA],
  ["features/worm:*", WORM],
  ["features/bitrot-stub:*", "only with bit-rot detection, which is not served"],
]);

/** Where the brick itself is told, and what is read beside the table. */
export const STRUCTURAL: ReadonlySet<string> = new Set([
  "storage/posix:directory", "storage/posix:volume-id", "features/index:index-base",
  "features/barrier:barrier", "debug/io-stats:unique-id", "debug/io-stats:volume-id",
  "debug/io-stats:auth-path", "protocol/server:auth-path",
  "protocol/server:transport.socket.listen-port", "protocol/server:transport.socket.bind-address",
  "protocol/server:transport.socket.ssl-enabled", "features/trash:brick-path",
  "features/changelog:changelog-brick", "features/changelog:changelog-dir",
  "features/changelog:changelog-notification", "features/changelog:changelog-barrier-timeout",
  "features/trash:trash-dir", "features/trash:trash-internal-op", "features/bitrot-stub:export",
  "features/marker:volume-uuid", "features/marker:timestamp-file",
  "features/marker:quota-version", "features/marker:gsync-force-xtime",
  "features/quota:volume-uuid", "features/quota:deem-statfs",
  "features/worm:worm-files-deletable",
]);

/** On: the feature's name, for whoever switched it on. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ["features/trash:trash", "features.trash"],
  ["features/changelog:changelog", "changelog.changelog"],
  ["features/bitrot-stub:bitrot", "features.bitrot"],
  ["features/worm:worm", "features.worm"],
  ["features/worm:worm-file-level", "features.worm-file-level"],
  ["features/quota:server-quota", "features.quota"],
  ["features/marker:quota", "features.quota"],
  ["features/marker:inode-quota", "features.inode-quota"],
  ["features/marker:xtime", "geo-replication.indexing"],
  ["features/locks:monkey-unlocking", "features.locks-monkey-unlocking"],
  ["features/locks:revocation-secs", "features.locks-revocation-secs"],
  ["features/locks:revocation-clear-all", "features.locks-revocation-clear-all"],
  ["features/locks:revocation-max-blocked", "features.locks-revocation-max-blocked"],
  ["storage/posix:update-link-count-parent", "storage.build-pgfid"],
  ["storage/posix:xattr-user-namespace-mode", "storage.xattr-user-namespace-mode"],
]);

/** Translators that change what is on the wire or what an operation does. */
export const REFUSED_TRANSLATORS: ReadonlyMap<string, string> = new Map([
  ["features/cdc", "network.compression"],
  ["debug/error-gen", "debug.error-gen"],
  ["debug/delay-gen", "debug.delay-gen"],
]);

/** All that a brick's graph may consist of. */
export const TRANSLATORS: ReadonlySet<string> = new Set([
  "storage/posix", "features/arbiter", "features/trash", "features/changelog",
  "features/bitrot-stub", "features/access-control", "features/locks", "features/worm",
  "features/read-only", "features/leases", "features/upcall", "performance/io-threads",
  "features/selinux", "features/marker", "features/barrier", "features/index", "features/quota",
  "features/namespace", "features/sdfs", "debug/io-stats", "debug/trace", "protocol/server",
]);
