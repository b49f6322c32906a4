/**
 * In the place of a FuseSession where nothing is mounted, and LVs are reached by NBD alone. What
 * the holder keeps instead of /dev/fuse is an event descriptor, through which the main thread calls.
 */
import type { FuseSession, Negotiated, Served } from "@mortar/fuse";
import { allocatePages, EAGAIN, EINTR, fileIo, LinuxError } from "@mortar/linux";

const COUNTER_BYTES = 8;

/** The part of a session that the worker uses. */
export type WorkerSession = Pick<
  FuseSession,
  "negotiated" | "resend" | "serveAgain" | "serveLeftOver" | "serveOne"
>;

export class UnmountedSession implements WorkerSession {
  readonly negotiated: Negotiated = { minor: 0, maxWriteBytes: 0, resends: false };
  readonly #fd: number;
  readonly #address = allocatePages(COUNTER_BYTES).address;

  constructor(fd: number) {
    this.#fd = fd;
  }

  serveOne(): Served {
    const length = fileIo().read(this.#fd, this.#address, COUNTER_BYTES);
    if (length === COUNTER_BYTES) return "woken";
    if (length === -EAGAIN) return "idle";
    if (length === -EINTR) return "served";
    throw new LinuxError("read", "event descriptor", Math.abs(length));
  }

  resend(): number {
    return 0;
  }

  serveAgain(): void {
    // There are no requests but those of connections, which end with the server.
  }

  serveLeftOver(): number {
    return 0;
  }
}
