/**
 * A process that gives up what it does not need, for good:
 *
 * - no_new_privs: no program that it starts gets more than it has;
 * - capabilities: dropped from the bounding set and from the calling thread;
 * - Landlock: files outside of the given trees can be neither opened, made nor removed.
 *
 * All three belong to a thread and what that starts later. Node.js has threads before the first
 * line of a script runs; so a process confines itself and then replaces itself (`replaceProcess`): all
 * threads of the new program are confined from their first instruction.
 *
 *     struct landlock_ruleset_attr       u64 handled access
 *     struct landlock_path_beneath_attr  u64 allowed access | i32 descriptor
 *     capset: header u32 version, i32 pid; data, low and high: effective, permitted, inheritable
 */
import { closeSync, openSync, statSync } from "node:fs";
import { bind, checked, declare, lastErrno } from "./libc.ts";
import { O_CLOEXEC, O_PATH } from "./tree-calls.ts";

const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const CAPABILITY_VERSION = 0x2008_0522;
const CAPABILITY_LAST = 63;
const LANDLOCK_CREATE = 444;
const LANDLOCK_ADD = 445;
const LANDLOCK_RESTRICT = 446;
const GET_VERSION = 1;
const RULE_PATH_BENEATH = 1;
const F_SETFD = 2;

export const CAPABILITY = {
  chown: 0, dacOverride: 1, dacReadSearch: 2, fileOwner: 3, fileSetId: 4, sysAdmin: 21, mknod: 27,
  setFileCapabilities: 31,
} as const;

const EXECUTE = 1n;
const WRITE_FILE = 1n << 1n;
const READ_FILE = 1n << 2n;
const READ_DIRECTORY = 1n << 3n;
/** Making, removing and linking, up to version 2, where hard links between directories came. */
const ALL_VERSION_2 = (1n << 14n) - 1n;
const TRUNCATE = 1n << 14n;
const FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;
/** Before it, a link from one directory to another is always refused. */
const VERSION_MIN = 2;
const VERSION_TRUNCATE = 3;

const prctl = declare("int prctl(int option, ulong a, ulong b, ulong c, ulong d)");
const fcntl = declare("int fcntl(int fd, int command, int argument)");
const landlock = declare(
  "int64_t syscall(int64_t number, uint8_t *a, uint64_t b, uint64_t c)",
);
const addRule = declare(
  "int64_t syscall(int64_t number, int64_t fd, int64_t kind, uint8_t *rule, uint64_t flags)",
);
const restrict = declare("int64_t syscall(int64_t number, int64_t fd, uint64_t flags)");
const capset = declare("int capset(uint8_t *header, uint8_t *data)");

export interface Confinement {
  /** Of CAPABILITY; what the process has besides is dropped. */
  readonly capabilities: readonly number[];
  /** Trees in which everything may be done. Throws if one is missing. */
  readonly writable: readonly string[];
  /** Trees and files that may be read, and programs started. Missing ones are left out. */
  readonly readable: readonly string[];
}

/** The version of Landlock, or 0: this kernel has none that could be used. Throws LinuxError. */
export function confine(confinement: Confinement): number {
  checked("prctl", "no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const version = restrictFiles(confinement);
  dropCapabilities(confinement.capabilities);
  return version;
}

function restrictFiles({ writable, readable }: Confinement): number {
  const version = landlock(LANDLOCK_CREATE, null, 0, GET_VERSION);
  if (version < VERSION_MIN) return 0;
  const handled = version >= VERSION_TRUNCATE ? ALL_VERSION_2 | TRUNCATE : ALL_VERSION_2;
  const ruleset = checked(
    "landlock_create_ruleset", "ruleset", landlock(LANDLOCK_CREATE, bytesOf(handled), 8, 0),
  );
  const allow = (path: string, access: bigint): void => {
    const fd = openSync(path, O_PATH | O_CLOEXEC);
    try {
      const allowed = statSync(path).isDirectory() ? access : access & FILE_ONLY;
      const rule = new Uint8Array(12);
      rule.set(bytesOf(allowed & handled));
      new DataView(rule.buffer).setInt32(8, fd, true);
      checked(
        "landlock_add_rule", path, addRule(LANDLOCK_ADD, ruleset, RULE_PATH_BENEATH, rule, 0),
      );
    } finally {
      closeSync(fd);
    }
  };
  for (const path of writable) allow(path, handled & ~EXECUTE);
  for (const path of readable) {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) continue;
    allow(path, EXECUTE | READ_FILE | READ_DIRECTORY);
  }
  checked("landlock_restrict_self", "ruleset", restrict(LANDLOCK_RESTRICT, ruleset, 0));
  closeSync(ruleset);
  return version;
}

/** A process without any keeps none. */
function dropCapabilities(kept: readonly number[]): void {
  if (process.getuid?.() !== 0) return;
  let mask = 0n;
  for (let capability = 0; capability <= CAPABILITY_LAST; capability++) {
    const has = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (has < 0) break;
    if (has === 1 && kept.includes(capability)) mask |= 1n << BigInt(capability);
    // A container that withholds even this gives little enough.
    else if (has === 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) break;
  }
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, CAPABILITY_VERSION, true);
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  for (const [index, word] of [mask & 0xffff_ffffn, mask >> 32n].entries()) {
    view.setUint32(12 * index, Number(word), true);
    view.setUint32(12 * index + 4, Number(word), true);
  }
  checked("capset", "capabilities", capset(header, data));
}

function bytesOf(access: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, access, true);
  return bytes;
}

/** The program that this process becomes has the descriptor, too. */
export function keepOverExec(fd: number): void {
  checked("fcntl", "descriptor", fcntl(fd, F_SETFD, 0));
}

/**
 * Become another program, with the same process id and environment. `words` begins with its name.
 * Comes back only by throwing LinuxError.
 */
export function replaceProcess(program: string, words: readonly string[]): never {
  // Node.js has them closed by exec.
  for (const fd of [0, 1, 2]) keepOverExec(fd);
  const execve = bind("int execve(const char *path, const char **words, const char **environment)");
  const environment = Object.entries(process.env).map(([key, value]) => `${key}=${value}`);
  const run = execve as unknown as (
    path: string, words: (string | null)[], environment: (string | null)[],
  ) => number;
  checked("execve", program, run(program, [...words, null], [...environment, null]));
  throw new Error(`${program}: errno ${lastErrno()}`);
}
