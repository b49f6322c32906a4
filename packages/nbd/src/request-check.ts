import type { NbdExport } from "./export-face.ts";
import { Command, CommandFlag, NbdError } from "./layouts.ts";

const ALLOWED_FLAGS: Readonly<Record<number, number>> = {
  [Command.read]: CommandFlag.fua | CommandFlag.df,
  [Command.write]: CommandFlag.fua,
  [Command.disconnect]: CommandFlag.fua,
  [Command.flush]: CommandFlag.fua,
  [Command.trim]: CommandFlag.fua,
  [Command.cache]: CommandFlag.fua,
  [Command.writeZeroes]: CommandFlag.fua | CommandFlag.noHole | CommandFlag.fastZero,
  [Command.blockStatus]: CommandFlag.fua | CommandFlag.reqOne,
};

/** Why a request is not to be done, as an NbdError; 0 when it is. */
export function refusalOf(
  exported: NbdExport,
  type: number,
  flags: number,
  offset: number,
  length: number,
): number {
  const allowed = ALLOWED_FLAGS[type];
  if (allowed === undefined || (flags & ~allowed) !== 0) return NbdError.EINVAL;
  const isOutside = offset + length > exported.sizeBytes;
  switch (type) {
    case Command.flush:
      return 0;
    case Command.write:
    case Command.writeZeroes:
      if (exported.readOnly) return NbdError.EPERM;
      return isOutside ? NbdError.ENOSPC : 0;
    case Command.trim:
      if (exported.readOnly) return NbdError.EPERM;
      return isOutside ? NbdError.EINVAL : 0;
    default:
      return isOutside ? NbdError.EINVAL : 0;
  }
}
