/**
 * Starts one brick:
 *
 *     node brick-host.js SPEC.json
 *
 * It opens what lies outside of the brick (the TCP port, the control socket), gives up what a brick
 * does not need, and becomes serve-host.js, under the same process id. So all threads of that are
 * confined: to the brick's tree for writing, to it and to programs for reading.
 */
import { existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CAPABILITY, confine, isErrno, keepOverExec, listenTcp, listenUnix, replaceProcess,
} from "@mortar/linux";
import { BRICK_PORT_FIRST, BRICK_PORT_LAST } from "@mortar/gluster";
import { completeOptions } from "./options.ts";
import { checkSpec } from "./spec.ts";
import type { BrickSpec } from "./spec.ts";

const SERVE = fileURLToPath(new URL("./serve-host.js", import.meta.url));

/**
 * | capability | what for |
 * |---|---|
 * | chown, dacOverride, fileOwner | it acts for all users, and checks their rights itself |
 * | dacReadSearch | a file without a name gets one by its descriptor (AT_EMPTY_PATH) |
 * | fileSetId | set-group-ID bits of others' files stay |
 * | mknod | devices of clients; they are never opened here |
 * | sysAdmin | attributes of the name space "trusted" |
 * | setFileCapabilities | the attribute "security.capability" of clients |
 */
const CAPABILITIES = [
  CAPABILITY.chown, CAPABILITY.dacOverride, CAPABILITY.fileOwner, CAPABILITY.dacReadSearch,
  CAPABILITY.fileSetId, CAPABILITY.mknod, CAPABILITY.sysAdmin, CAPABILITY.setFileCapabilities,
];

/**
 * What Node.js and the C library read. Of /proc all, since the directory of a process does not stay
 * the same inode; of /etc all only for the databases of users, whose files are replaced by others.
 */
const READABLE = [
  "/usr", "/lib", "/lib64", "/proc", "/sys/fs/cgroup", "/etc/ld.so.cache", "/etc/ssl/openssl.cnf",
  "/etc/localtime", "/dev/null", "/dev/urandom",
];
const USER_DATABASES = ["/etc", "/var/lib/sss/mc"];

/**
 * Requests leave little garbage, and there may be many bricks on a node: a young generation of 1 MiB
 * is collected by the thread itself, and one thread compiles.
 */
const SMALL = ["--max-semi-space-size=1", "--single-threaded-gc", "--v8-pool-size=1"];

function main(): void {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error("usage: brick-host.js SPEC.json");
  const spec = checkSpec(JSON.parse(readFileSync(file, "utf8")));
  const pidFile = spec.pidFile === undefined ? -1 : openSync(spec.pidFile, "w", 0o644);
  if (pidFile >= 0) writeSync(pidFile, `${process.pid}\n`);
  const { fd: listener, port } = listen(spec);
  const control = listenUnix(spec.controlSocket);
  for (const fd of [listener, control, pidFile].filter((it) => it >= 0)) keepOverExec(fd);
  const { managesGroups, tls } = completeOptions(spec.options);
  const certificates = tls === null ? [] : [
    tls.certificateFile, tls.keyFile, tls.authorityFile, tls.revocationPath, tls.dhParameterFile,
  ];
  const version = confine({
    capabilities: CAPABILITIES,
    writable: [spec.path],
    readable: [
      ...READABLE, ...(managesGroups ? USER_DATABASES : []), dirname(process.execPath),
      programs(), file,
      ...certificates.filter((path) => path !== ""),
    ],
  });
  // Authorities of the node are none of a brick's: it has its volume's.
  delete process.env["NODE_EXTRA_CA_CERTS"];
  // Threads that share the memory allocator's arenas.
  process.env["MALLOC_ARENA_MAX"] ??= "2";
  replaceProcess(process.execPath, [
    process.execPath, ...SMALL, ...process.execArgv, SERVE,
    ...[listener, control, port, version, pidFile].map(String), file, spec.controlSocket,
  ]);
}

/** The directory above all packages that are needed: the outermost with node_modules. */
function programs(): string {
  let found = dirname(SERVE);
  for (let at = found; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "node_modules"))) found = at;
  }
  return found;
}

/** A fixed port, or the first free one. */
function listen(spec: BrickSpec): { readonly fd: number; readonly port: number } {
  const address = spec.address ?? "0.0.0.0";
  const backlog = completeOptions(spec.options).listenBacklog;
  if (spec.port !== undefined) {
    return { fd: listenTcp(address, spec.port, backlog), port: spec.port };
  }
  for (let port = BRICK_PORT_FIRST; port <= BRICK_PORT_LAST; port++) {
    try {
      return { fd: listenTcp(address, port, backlog), port };
    } catch (error) {
      if (!isErrno(error, "EADDRINUSE")) throw error;
    }
  }
  throw new Error(`${address}: no port from ${BRICK_PORT_FIRST} to ${BRICK_PORT_LAST} is free`);
}

try {
  main();
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
  process.exit(1);
}
