/**
 * Where messages come from and go to: /dev/fuse, or a script in a test. The buffers are fixed and
 * belong to the channel's maker, so that addresses are computed once:
 *
 *     request buffer   | ... inHeader 40, body 40 | page boundary: data of a WRITE ...
 *     reply buffer     |           ... outHeader 16 | page boundary: data of a READ ...
 *
 * With the message placed this way the data is page aligned, without scatter lists and without a
 * copy.
 */
export interface FuseChannel {
  /**
   * Both buffers hold PAGE_BYTES + the largest transfer; `request` and `reply` begin on a page
   * boundary.
   */
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
  /**
   * Wait for a request and put it at `position` of `request`. Its length in bytes, or a negated
   * errno.
   */
  receive(position: number): number;
  /** Send `length` bytes from `position` of `reply`. The same, or a negated errno. */
  send(position: number, length: number): number;
}

export const PAGE_BYTES = 4096;
/** inHeader and the 40 bytes of a WRITE come before the page boundary. */
export const REQUEST_POSITION = PAGE_BYTES - 80;
/** outHeader comes before it. */
export const REPLY_POSITION = PAGE_BYTES - 16;
