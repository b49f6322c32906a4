/** A request that changes data and could not be done yet; see PARKED. */
export interface ParkedRequest {
  readonly type: number;
  readonly flags: number;
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly offset: number;
  readonly length: number;
  /** Of a WRITE: a copy, for the input buffer goes on. */
  readonly data: Uint8Array | undefined;
  readonly sinceMs: number;
}

const COUNT_MAX = 1024;
const DATA_BYTES_MAX = 64 * 1024 * 1024;

/** The parked requests of one connection, in the order in which they came, bounded. */
export class ParkedRequests {
  #requests: ParkedRequest[] = [];
  #bytes = 0;

  get count(): number {
    return this.#requests.length;
  }

  /** False when there is no room. */
  add(request: ParkedRequest): boolean {
    const bytes = request.data?.length ?? 0;
    if (this.#requests.length === COUNT_MAX || this.#bytes + bytes > DATA_BYTES_MAX) return false;
    this.#requests.push(request);
    this.#bytes += bytes;
    return true;
  }

  /** Take all of them out. */
  takeAll(): readonly ParkedRequest[] {
    const requests = this.#requests;
    this.#requests = [];
    this.#bytes = 0;
    return requests;
  }
}
