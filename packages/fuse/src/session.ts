/**
 * One conversation with the kernel: take a request, have it done, answer it.
 *
 *     const options = { maxWriteBytes: MiB, maxBackground: 256 };
 *     const session = new FuseSession([channel], files, options);
 *     while (session.serveOne() !== "closed") { ... }
 *
 * A session may begin in the middle: the descriptor outlives the process, no INIT comes then, and
 * requests that the last process had taken are in the buffers (`serveLeftOver`) or come again
 * (`resend`). So nothing here depends on an earlier message, and every operation of FlatFiles must
 * be repeatable.
 *
 * A request may be answered by somebody else (ELSEWHERE), who has its lane meanwhile, or be put
 * aside (PARKED) and served again later.
 *
 * Trust: the kernel is believed to frame messages right, yet every length is checked before use;
 * what does not fit is answered with EINVAL. No allocation per READ and WRITE.
 */
import { REPLY_POSITION, REQUEST_POSITION } from "./channel.ts";
import type { FuseChannel } from "./channel.ts";
import { Errno } from "./errno.ts";
import { ELSEWHERE, PARKED } from "./flat-files.ts";
import type { FlatFiles } from "./flat-files.ts";
import { isDone, Lane } from "./lane.ts";
import {
  Fallocate,
  fallocateIn,
  inHeader,
  initIn,
  initOut,
  Opcode,
  Open,
  openIn,
  openOut,
  outHeader,
  ROOT_NODE,
  releaseIn,
  setattrIn,
  transferIn,
  WAKE_NODE,
  writeOut,
} from "./layouts.ts";
import { INIT_BYTES_MIN, negotiate } from "./negotiation.ts";
import type { Negotiated } from "./negotiation.ts";
import { askToResend } from "./notification.ts";

export interface SessionOptions {
  /**
   * Largest READ and WRITE, a multiple of the page; the channel's buffers are that and one page.
   */
  readonly maxWriteBytes: number;
  /** Requests in flight before the kernel holds back; above the 128 tags of a loop device. */
  readonly maxBackground: number;
  readonly negotiated?: Negotiated;
  /** Needed when requests may be answered ELSEWHERE. */
  readonly lanes?: LaneChoice;
  /** Keep the bytes of a PARKED request. False when there is no room: it fails with ENOSPC. */
  readonly park?: (request: Uint8Array) => boolean;
}

/** Which channel the session uses. */
export interface LaneChoice {
  /** The session takes requests through this channel from now on. */
  use(lane: number): void;
  /** A channel that nobody works on. */
  free(): number;
}

/**
 * `served`: a request was dealt with. `woken`: somebody called for attention. `closed`: unmounted.
 * `idle`: nothing to do, of a descriptor that does not block.
 */
export type Served = "served" | "woken" | "closed" | "idle";

/** The answer of a method: bytes behind the header, a negated errno, or one of these. */
const NO_REPLY = -100_000;
const GIVEN_AWAY = -ELSEWHERE;
const PUT_ASIDE = -PARKED;
const TWO_32 = 2 ** 32;
const UNIQUE_HIGH_MASK = 0x1f_ffff;
const REQUEST_BODY = REQUEST_POSITION + inHeader.size;
const REPLY_BODY = REPLY_POSITION + outHeader.size;
const READS_ONLY = 0;
const ACCESS_MODE = 3;

export class FuseSession {
  readonly #lanes: readonly Lane[];
  readonly #files: FlatFiles;
  readonly #options: SessionOptions;
  #negotiated: Negotiated | undefined;
  /** Where the current request is. */
  #lane: Lane;
  #in: DataView;
  #out: DataView;
  /** Bytes of the current request. */
  #length = 0;

  constructor(channels: readonly FuseChannel[], files: FlatFiles, options: SessionOptions) {
    this.#lanes = channels.map((channel) => new Lane(channel, files, options.maxWriteBytes));
    this.#files = files;
    this.#options = options;
    this.#negotiated = options.negotiated;
    this.#lane = this.#lanes[0]!;
    this.#in = this.#lane.in;
    this.#out = this.#lane.out;
  }

  /** Undefined until INIT was answered. */
  get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  /**
   * Ask for the requests that a dead process took and never answered. 0, or the errno: EINVAL
   * before Linux 6.9.
   */
  resend(): number {
    return askToResend(this.#lane.channel);
  }

  /** Wait for one request and answer it. */
  serveOne(): Served {
    const length = this.#lane.channel.receive(REQUEST_POSITION);
    if (length < 0) {
      if (length === -Errno.ENODEV) return "closed";
      if (length === -Errno.EAGAIN) return "idle";
      // EINTR: a signal. ENOENT: the request was withdrawn before it was taken.
      if (length === -Errno.EINTR || length === -Errno.ENOENT) return "served";
      throw new Error(`reading /dev/fuse failed with errno ${-length}`);
    }
    if (length < inHeader.size) throw new Error(`/dev/fuse gave a request of ${length} bytes`);
    this.#length = length;
    if (inHeader.field.opcode.get(this.#in, REQUEST_POSITION) === Opcode.notifyReply)
      return "woken";
    this.#serve();
    return "served";
  }

  /**
   * Answer the requests that a process which died had taken: they are still in the request buffers,
   * if these are memory that outlived the process. The number of them. They may have been answered
   * already, which the kernel does not mind. Doing one twice does no harm: either nothing was done
   * after it, or it was still under way, or it is marked as done.
   */
  serveLeftOver(): number {
    let count = 0;
    for (const [index, lane] of this.#lanes.entries()) {
      this.#use(index);
      const length = inHeader.field.length.get(lane.in, REQUEST_POSITION);
      const opcode = inHeader.field.opcode.get(lane.in, REQUEST_POSITION);
      const fits =
        length >= inHeader.size && length <= lane.channel.request.length - REQUEST_POSITION;
      if (!fits || opcode === Opcode.notifyReply) continue;
      this.#length = length;
      if (opcode === Opcode.write && isDone(lane.in)) this.#answerDone();
      else this.#serve();
      count += 1;
    }
    return count;
  }

  /** Serve a request that was parked: `request` is what `park` was given. */
  serveAgain(request: Uint8Array): void {
    this.#lane.channel.request.set(request, REQUEST_POSITION);
    this.#length = request.length;
    this.#serve();
  }

  #use(index: number): void {
    const lane = this.#lanes[index]!;
    this.#options.lanes?.use(index);
    this.#lane = lane;
    this.#in = lane.in;
    this.#out = lane.out;
  }

  #serve(): void {
    let result: number;
    try {
      result = this.#dispatch();
    } catch (error) {
      result = error instanceof MalformedRequest ? -Errno.EINVAL : -this.#files.errnoOf(error);
    }
    if (result === GIVEN_AWAY) {
      this.#use(this.#options.lanes?.free() ?? 0);
      return;
    }
    if (result === PUT_ASIDE) result = this.#park();
    if (result !== NO_REPLY) this.#answer(result);
    this.#lane.clear();
  }

  #park(): number {
    const { request } = this.#lane.channel;
    const bytes = request.subarray(REQUEST_POSITION, REQUEST_POSITION + this.#length);
    return this.#options.park?.(bytes) === true ? NO_REPLY : -Errno.ENOSPC;
  }

  #answerDone(): void {
    const size = transferIn.field.size.get(this.#in, REQUEST_BODY);
    writeOut.encode(this.#out, REPLY_BODY, { size, padding: 0 });
    this.#answer(writeOut.size);
    this.#lane.clear();
  }

  #answer(result: number): void {
    const sent = this.#lane.answer(Math.min(result, 0), Math.max(result, 0));
    // ENOENT: the caller was killed meanwhile. ENODEV: unmounted. Neither wants an answer any more.
    if (sent < 0 && sent !== -Errno.ENOENT && sent !== -Errno.ENODEV) {
      throw new Error(`writing /dev/fuse failed with errno ${-sent}`);
    }
  }

  #dispatch(): number {
    const node = inHeader.field.node.get(this.#in, REQUEST_POSITION);
    const opcode = inHeader.field.opcode.get(this.#in, REQUEST_POSITION);
    switch (opcode) {
      case Opcode.read:
        return this.#read(node);
      case Opcode.write:
        return this.#write(node);
      case Opcode.fsync:
        return -this.#files.flush(node);
      case Opcode.fallocate:
        return this.#fallocate(node);
      case Opcode.init:
        return this.#init();
      case Opcode.lookup:
        return this.#lane.nodes.lookup(node, this.#length);
      case Opcode.getattr:
        return this.#lane.nodes.getattr(node);
      case Opcode.setattr:
        this.#need(setattrIn.size);
        return this.#lane.nodes.setattr(node);
      case Opcode.open:
        return this.#open(node);
      case Opcode.release:
        return this.#release(node);
      case Opcode.statfs:
        return this.#lane.nodes.statfs();
      case Opcode.opendir:
        return this.#opened(node === ROOT_NODE ? 0 : Errno.ENOENT, 0, 0);
      case Opcode.readdir:
        this.#need(transferIn.size);
        return this.#lane.nodes.readdir();
      case Opcode.releasedir:
      case Opcode.destroy:
        return 0;
      case Opcode.forget:
      case Opcode.batchForget:
      case Opcode.interrupt: // Requests are answered at once; there is nothing to interrupt.
        return NO_REPLY;
      default: // ENOSYS makes the kernel stop asking for most of them, FLUSH among these.
        return -Errno.ENOSYS;
    }
  }

  #need(bodyBytes: number): void {
    if (this.#length < inHeader.size + bodyBytes) throw new MalformedRequest();
  }

  #read(node: number): number {
    this.#need(transferIn.size);
    const size = transferIn.field.size.get(this.#in, REQUEST_BODY);
    if (size > this.#options.maxWriteBytes) return -Errno.EINVAL;
    if (node === WAKE_NODE) return 0;
    const offset = transferIn.field.offset.get(this.#in, REQUEST_BODY);
    const errno = this.#files.read(node, offset, this.#lane.target(size));
    return errno === 0 ? size : -errno;
  }

  #write(node: number): number {
    this.#need(transferIn.size);
    const size = transferIn.field.size.get(this.#in, REQUEST_BODY);
    if (size > this.#options.maxWriteBytes) return -Errno.EINVAL;
    this.#need(transferIn.size + size);
    const offset = transferIn.field.offset.get(this.#in, REQUEST_BODY);
    const errno = this.#files.write(node, offset, this.#lane.source(size));
    if (errno !== 0) return -errno;
    writeOut.field.size.set(this.#out, REPLY_BODY, size);
    writeOut.field.padding.set(this.#out, REPLY_BODY, 0);
    return writeOut.size;
  }

  #fallocate(node: number): number {
    this.#need(fallocateIn.size);
    const { offset, length, mode } = fallocateIn.decode(this.#in, REQUEST_BODY);
    // Only what is really done may be answered with success: mkfs trusts a zeroed range.
    if (mode === (Fallocate.punchHole | Fallocate.keepSize))
      return -this.#files.discard(node, offset, length);
    if ((mode & ~Fallocate.keepSize) === Fallocate.zeroRange)
      return -this.#files.zero(node, offset, length);
    return -Errno.EOPNOTSUPP;
  }

  #init(): number {
    this.#need(INIT_BYTES_MIN);
    const { maxWriteBytes, maxBackground } = this.#options;
    const isLong = this.#length >= inHeader.size + initIn.size;
    const limits = { maxWriteBytes, maxBackground };
    this.#negotiated = negotiate(this.#in, REQUEST_BODY, isLong, this.#out, REPLY_BODY, limits);
    return initOut.size;
  }

  /**
   * The handle is the request's own number without the "sent again" bit: an OPEN that comes twice,
   * because the process that took it died, is then the same open file and not a second one.
   */
  #open(node: number): number {
    this.#need(openIn.size);
    if (node === ROOT_NODE) return -Errno.EISDIR;
    if (node === WAKE_NODE) return this.#opened(0, 0, Open.directIo | Open.noFlush);
    const writes = (openIn.field.flags.get(this.#in, REQUEST_BODY) & ACCESS_MODE) !== READS_ONLY;
    const high = inHeader.field.uniqueHigh.get(this.#in, REQUEST_POSITION) & UNIQUE_HIGH_MASK;
    const handle = inHeader.field.uniqueLow.get(this.#in, REQUEST_POSITION) + high * TWO_32;
    const errno = this.#files.open(node, writes, handle);
    return this.#opened(errno, handle, Open.directIo | Open.noFlush | Open.parallelDirectWrites);
  }

  #opened(errno: number, handle: number, openFlags: number): number {
    if (errno !== 0) return -errno;
    openOut.encode(this.#out, REPLY_BODY, { handle, openFlags, backingId: 0 });
    return openOut.size;
  }

  #release(node: number): number {
    this.#need(releaseIn.size);
    if (node !== WAKE_NODE)
      this.#files.release(node, releaseIn.field.handle.get(this.#in, REQUEST_BODY));
    return 0;
  }
}

/** Shorter than its operation needs. */
class MalformedRequest extends Error {
  override readonly name = "MalformedRequest";
}
