/**
 * Who is at the other end of a unix socket, as the kernel saw it when it connected (SO_PEERCRED):
 *
 *     struct ucred   pid i32 | uid u32 | gid u32, of this machine's byte order
 *
 * The login uid is that of the session's login (pam_loginuid, proc(5)): su and sudo leave it.
 */
import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { checked, declare } from "./libc.ts";

export interface PeerCredentials {
  /** 0: of another pid namespace. */
  readonly pid: number;
  readonly uid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const LENGTH_BYTES = 12;
/** What /proc/PID/loginuid has where nobody logged in. */
const NO_LOGIN = 0xffff_ffff;

const getOption = declare(
  "int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint8_t *length)",
);

/** Throws LinuxError, `ENOTSOCK`. */
export function peerCredentials(fd: number): PeerCredentials {
  const isLittle = endianness() === "LE";
  const value = new DataView(new ArrayBuffer(LENGTH_BYTES));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, LENGTH_BYTES, isLittle);
  const bytes = (it: DataView) => new Uint8Array(it.buffer);
  checked(
    "getsockopt", `socket ${fd}`,
    getOption(fd, SOL_SOCKET, SO_PEERCRED, bytes(value), bytes(length)),
  );
  return { pid: value.getInt32(0, isLittle), uid: value.getUint32(4, isLittle) };
}

/** Undefined: nobody logged in (a service, a container), or the process is gone. */
export async function loginUid(pid: number): Promise<number | undefined> {
  try {
    const uid = Number((await readFile(`/proc/${pid}/loginuid`, "utf8")).trim());
    return Number.isSafeInteger(uid) && uid !== NO_LOGIN ? uid : undefined;
  } catch {
    return undefined;
  }
}
