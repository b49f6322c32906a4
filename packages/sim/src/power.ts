/**
 * The moment at which everything stops. All disks of a machine share one switch; it counts their
 * operations, and when its time has come the operation under way is cut short and every later one
 * fails.
 */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

export class PowerSwitch {
  /** Operations that were begun so far. */
  operationCount = 0;
  #cutAt = Number.POSITIVE_INFINITY;
  #off = false;

  /** Cut in the middle of the operation that begins after `operations` more. */
  cutAfter(operations: number): void {
    this.#cutAt = this.operationCount + operations;
  }

  /** Power is back, and stays. */
  restore(): void {
    this.#off = false;
    this.#cutAt = Number.POSITIVE_INFINITY;
  }

  get isOff(): boolean {
    return this.#off;
  }

  /** Whether this operation is the one that is cut. Throws when power is off already. */
  begin(): boolean {
    if (this.#off) throw new PowerCut("the machine is off");
    this.#off = this.operationCount >= this.#cutAt;
    this.operationCount += 1;
    return this.#off;
  }
}
