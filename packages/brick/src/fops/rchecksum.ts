import { createHash } from "node:crypto";
import { fileIo } from "@mortar/linux";
import { weakChecksum } from "@mortar/brick-services";
import { fops, typed } from "@mortar/gluster";
import type { TypedValue } from "@mortar/gluster";
import { Errno } from "../store/errno.ts";
import { allocate } from "../wire/memory.ts";
import { declared, OK } from "./declared.ts";
import { fdOf } from "./descriptors.ts";
import { toldLocks } from "./told-aside.ts";
import { slotOfGfid } from "./xattr.ts";

const LENGTH_MAX = 4 * 1024 * 1024;
const SHA256 = 1;
/** gfid, fd, offset, length, flags. */
const RANGE_BYTES = 40;
const io = fileIo();

/** Healing compares blocks of replicas by their checksums. */
export const rchecksum = declared(fops.rchecksum, (brick, request, call, client) => {
  const slot = slotOfGfid(brick, client, request.gfid, request.fd);
  if (slot < 0) return -slot;
  if (request.length > LENGTH_MAX || !Number.isSafeInteger(request.offset)) return Errno.EINVAL;
  const fd = fdOf(brick, client, slot, request.fd, false);
  if (fd < 0) return -fd;
  const block = allocate(Math.max(request.length, 1));
  const count = io.pread(fd, block.address, request.length, request.offset);
  if (count < 0) return -count;
  const bytes = block.bytes.subarray(0, count);
  const { fipsChecksum } = brick.options;
  call.skip(RANGE_BYTES);
  const xdata = new Map<string, TypedValue>(toldLocks(brick, call, slot));
  if (fipsChecksum) xdata.set("fips-mode-rchecksum", typed.int(1));
  if (request.xdata.has("check-zero-filled")) {
    xdata.set("buf-has-zeroes", typed.int(bytes.every((byte) => byte === 0) ? 1 : 0));
  }
  return {
    ...OK, xdata, flags: fipsChecksum ? SHA256 : 0, weak: weakChecksum(bytes, 0, count),
    strong: createHash(fipsChecksum ? "sha256" : "md5").update(bytes).digest(),
  };
});
