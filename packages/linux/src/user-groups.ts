/**
 * Groups of a user, from this machine's databases (files, LDAP, …). It may take as long as those
 * take: not for a thread that must not wait.
 *
 *     struct passwd: name (8) | password (8) | u32 uid | u32 gid | …
 */
import { allocatePages } from "./mmap.ts";
import type { MappedMemory } from "./mmap.ts";
import { declare } from "./libc.ts";

const PASSWD_BYTES = 64;
const TEXT_BYTES = 64 * 1024;
const RESULT_AT = PASSWD_BYTES;
const COUNT_AT = RESULT_AT + 8;
const TEXT_AT = 128;
const GROUPS_AT = TEXT_AT + TEXT_BYTES;
/** As many as the kernel lets a process have. */
const GROUPS_MAX = 65_536;

const getpwuid = declare(
  "int getpwuid_r(uint uid, uintptr_t entry, uintptr_t text, size_t length, uintptr_t result)",
);
const getgrouplist = declare(
  "int getgrouplist(uintptr_t user, uint gid, uintptr_t groups, uintptr_t count)",
);
let memory: MappedMemory | undefined;

/** Undefined: there is no such user. */
export function groupsOfUser(uid: number): Uint32Array | undefined {
  memory ??= allocatePages(GROUPS_AT + 4 * GROUPS_MAX);
  const { address, bytes } = memory;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const text = address + TEXT_AT;
  const status = getpwuid(uid, address, text, TEXT_BYTES, address + RESULT_AT);
  if (status !== 0 || view.getUint32(RESULT_AT, true) + view.getUint32(RESULT_AT + 4, true) === 0) {
    return undefined;
  }
  const name = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  view.setInt32(COUNT_AT, GROUPS_MAX, true);
  if (getgrouplist(name, view.getUint32(20, true), address + GROUPS_AT, address + COUNT_AT) < 0) {
    return undefined;
  }
  const groups = new Uint32Array(view.getInt32(COUNT_AT, true));
  for (let index = 0; index < groups.length; index++) {
    groups[index] = view.getUint32(GROUPS_AT + 4 * index, true);
  }
  return groups;
}
