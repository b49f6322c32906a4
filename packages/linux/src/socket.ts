/**
 * Stream sockets for one thread that polls many: descriptors and addresses are numbers, nothing
 * blocks, nothing is allocated by a transfer.
 *
 *     sockaddr_un     family 1 (16 bits) | path | 0
 *     sockaddr_in     family 2 | port, big-endian | address (4) | zeros (8)
 *     sockaddr_in6    family 10 | port, big-endian | flow (4) | address (16) | scope (4)
 */
import { chmodSync, closeSync, rmSync } from "node:fs";
import { isIPv6 } from "node:net";
import { bind, checked, declare, lastErrno } from "./libc.ts";
import type { CFunction } from "./libc.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const MSG_NOSIGNAL = 0x4000;
const BACKLOG = 128;
const F_DUPFD_CLOEXEC = 1030;
const UNIX_PATH_BYTES_MAX = 107;
/** The kernel gives as much of it as its limits allow. */
const BUFFER_BYTES = 1024 * 1024;

const socketCall = declare("int socket(int domain, int type, int protocol)");
const bindCall = declare("int bind(int fd, const uint8_t *address, uint length)");
const socketPairCall = declare(
  "int socketpair(int domain, int type, int protocol, _Out_ uint8_t *pair)",
);
const fcntl = declare("int fcntl(int fd, int command, int argument)");
const listenCall = declare("int listen(int fd, int backlog)");
const setOption = declare(
  "int setsockopt(int fd, int level, int name, const uint8_t *value, uint length)",
);

/** Results are counts or a negated errno; `receive` gives 0 at the end. */
export interface SocketIo {
  receive(fd: number, address: number, length: number): number;
  send(fd: number, address: number, length: number): number;
}

let bound: SocketIo | undefined;

export function socketIo(): SocketIo {
  bound ??= makeSocketIo(
    bind("int64_t recv(int fd, uintptr_t buffer, size_t length, int flags)"),
    bind("int64_t send(int fd, uintptr_t buffer, size_t length, int flags)"),
  );
  return bound;
}

function makeSocketIo(receive: CFunction, send: CFunction): SocketIo {
  return {
    receive: (fd, address, length) => {
      const result = receive(fd, address, length, 0);
      return result < 0 ? -lastErrno() : result;
    },
    send: (fd, address, length) => {
      const result = send(fd, address, length, MSG_NOSIGNAL);
      return result < 0 ? -lastErrno() : result;
    },
  };
}

/**
 * Listen on a unix socket that only its owner can connect to. A socket that somebody left there is
 * replaced. Throws LinuxError.
 */
export function listenUnix(path: string): number {
  const bytes = Buffer.from(path);
  if (bytes.length > UNIX_PATH_BYTES_MAX)
    throw new RangeError(`${path}: a socket's path has at most ${UNIX_PATH_BYTES_MAX} bytes`);
  const address = new Uint8Array(2 + bytes.length + 1);
  address[0] = AF_UNIX;
  address.set(bytes, 2);
  rmSync(path, { force: true });
  return listening(path, AF_UNIX, address, () => chmodSync(path, 0o600));
}

/** Listen on a TCP port of an address of this machine ("127.0.0.1", "::"). Throws LinuxError. */
export function listenTcp(host: string, port: number, backlog = BACKLOG): number {
  const isV6 = isIPv6(host);
  const address = new Uint8Array(isV6 ? 28 : 16);
  address[0] = isV6 ? AF_INET6 : AF_INET;
  address[2] = port >>> 8;
  address[3] = port & 0xff;
  address.set(isV6 ? addressV6(host) : host.split(".").map(Number), isV6 ? 8 : 4);
  return listening(`${host} port ${port}`, isV6 ? AF_INET6 : AF_INET, address, undefined, backlog);
}

/** Two connected stream sockets that do not block. */
export function socketPair(): readonly [number, number] {
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const pair = new Int32Array(2);
  const bytes = new Uint8Array(pair.buffer);
  checked("socketpair", "socket pair", socketPairCall(AF_UNIX, type, 0, bytes));
  return [pair[0]!, pair[1]!];
}

/** Another descriptor of the same open file, which lives on when the first one is closed. */
export function duplicateFd(fd: number, subject: string): number {
  return checked("fcntl", subject, fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/** How a dead peer is found. 0 leaves what the kernel does. */
export interface ConnectionTuning {
  readonly keepAlive: boolean;
  readonly keepAliveSeconds: number;
  readonly keepAliveIntervalSeconds: number;
  readonly keepAliveCount: number;
  /** Data that is not acknowledged for so long ends the connection. */
  readonly userTimeoutSeconds: number;
  /** Of the socket's buffers; 0: 1 MiB. */
  readonly windowBytes: number;
}

/** For a connection that was accepted: no delay, large buffers. What cannot be had is left out. */
export function tuneConnection(fd: number, tuning?: ConnectionTuning): void {
  setNumber(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setNumber(fd, SOL_SOCKET, SO_KEEPALIVE, tuning?.keepAlive === false ? 0 : 1);
  const bytes = tuning?.windowBytes || BUFFER_BYTES;
  setNumber(fd, SOL_SOCKET, SO_SNDBUF, bytes);
  setNumber(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  if (tuning === undefined) return;
  const times = [
    [TCP_KEEPIDLE, tuning.keepAliveSeconds], [TCP_KEEPINTVL, tuning.keepAliveIntervalSeconds],
    [TCP_KEEPCNT, tuning.keepAliveCount], [TCP_USER_TIMEOUT, tuning.userTimeoutSeconds * 1000],
  ] as const;
  for (const [name, value] of times) {
    if (value > 0) setNumber(fd, IPPROTO_TCP, name, value);
  }
}

/** `restrict` comes between bind and listen: nobody can have connected by then. */
function listening(
  subject: string,
  family: number,
  address: Uint8Array,
  restrict: () => void = () => undefined,
  backlog = BACKLOG,
): number {
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = checked("socket", subject, socketCall(family, type, 0));
  try {
    if (family !== AF_UNIX) setNumber(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family === AF_INET6) setNumber(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    checked("bind", subject, bindCall(fd, address, address.length));
    restrict();
    checked("listen", subject, listenCall(fd, backlog));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

function setNumber(fd: number, level: number, name: number, value: number): void {
  setOption(fd, level, name, new Uint8Array(new Int32Array([value]).buffer), 4);
}

/** The 16 bytes of an IPv6 address in any of its writings; a zone is not taken. */
function addressV6(host: string): Uint8Array {
  const url = new URL(`http://[${host}]/`);
  const [head = "", tail] = url.hostname.slice(1, -1).split("::");
  const words = (text: string | undefined): number[] =>
    text === undefined || text === "" ? [] : text.split(":").map((word) => parseInt(word, 16));
  const first = words(head);
  const last = words(tail);
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
  return Uint8Array.from(all.flatMap((word) => [word >>> 8, word & 0xff]));
}
