/**
 * The machine's log, by the socket that syslog and journald listen on.
 *
 *     datagram    <PRI>TAG[PID]: TEXT       PRI = facility * 8 + severity   (RFC 3164, no date)
 *     sockaddr_un family 1 (16 bits) | path | 0
 */
import { closeSync } from "node:fs";
import { declare } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const FACILITY_DAEMON = 3;
const SEVERITIES = { error: 3, warning: 4, note: 5 } as const;
const TEXT_BYTES_MAX = 2000;

const socketCall = declare("int socket(int domain, int type, int protocol)");
const sendTo = declare(
  "int64_t sendto(int fd, const uint8_t *buffer, size_t length, int flags, " +
    "const uint8_t *address, uint addressLength)",
);

/** Say a line. False when nobody listens (a container, often) or takes it: it never waits. */
export function systemLog(
  tag: string,
  severity: keyof typeof SEVERITIES,
  text: string,
  path = "/dev/log",
): boolean {
  const priority = FACILITY_DAEMON * 8 + SEVERITIES[severity];
  const line = Buffer.from(`<${priority}>${tag}[${process.pid}]: ${text}`);
  return sendDatagram(path, line.subarray(0, TEXT_BYTES_MAX));
}

/** Not of the public face. False when nobody listens or takes it. */
export function sendDatagram(path: string, bytes: Buffer): boolean {
  const fd = socketCall(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  try {
    const name = Buffer.from(path);
    const address = new Uint8Array(2 + name.length + 1);
    address[0] = AF_UNIX;
    address.set(name, 2);
    return sendTo(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length) >= 0;
  } finally {
    closeSync(fd);
  }
}
