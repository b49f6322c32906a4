/** The refusal of a file operation: what its reply says in op_errno. */
import { errnoName } from "@mortar/linux";

export const Errno = {
  EPERM: 1, ENOENT: 2, EIO: 5, EBADF: 9, EACCES: 13, ENOTDIR: 20, EINVAL: 22, EMFILE: 24, EROFS: 30,
  ENODATA: 61, EOPNOTSUPP: 95, ENOTCONN: 107, ETIMEDOUT: 110, ESTALE: 116,
} as const;

export class FopError extends Error {
  override readonly name = "FopError";
  readonly errno: number;
  constructor(errno: number) {
    super(errnoName(errno));
    this.errno = errno;
  }
}
