/**
 * Whether a snapshot keeps the order of what was acknowledged. Chains of numbered operations run
 * side by side; of a chain each is begun when the one before was acknowledged
 * (tests/soak/ordering-load.py, which also says what of a chain a snapshot shows).
 *
 *     acknowledged before the snapshot was asked for      it is in it
 *     begun after the snapshot was there                  it is not
 *     acknowledged before one of another chain was
 *     begun that is in it                                 it is in it
 */

export interface ChainShown {
  /** The newest operation that is in the snapshot for certain. */
  readonly seen: number;
  /** The oldest that is not, or not wholly. */
  readonly missing: number;
  /** What is not as after `seen`, nor as in the middle of the next. */
  readonly wrong: readonly string[];
}

/** Of each chain the newest operation that was begun, and acknowledged. */
export interface Progress {
  readonly begun: readonly number[];
  readonly acked: readonly number[];
}

/** Of each operation when it was begun and acknowledged, in milliseconds of one clock. */
export type ChainTimes = readonly (readonly [begunMs: number, ackedMs: number])[];

export interface Asked {
  readonly before: Progress;
  readonly after: Progress;
  readonly times: readonly ChainTimes[];
}

/** Empty: the order was kept. */
export function orderViolations(shown: readonly ChainShown[], asked: Asked): string[] {
  const found = shown.flatMap((chain, index) => [
    ...chain.wrong.map((it) => `chain ${index}: ${it}`),
    ...outOfBounds(chain, index, asked),
  ]);
  for (const [early, { missing }] of shown.entries()) {
    for (const [late, { seen }] of shown.entries()) {
      if (early === late) continue;
      const ackedMs = asked.times[early]?.[missing]?.[1];
      const begunMs = asked.times[late]?.[seen]?.[0];
      if (ackedMs === undefined || begunMs === undefined || ackedMs >= begunMs) continue;
      found.push(
        `chain ${late} is in it up to ${seen}, begun ${(begunMs - ackedMs).toFixed(1)} ms after ` +
        `${missing} of chain ${early} was acknowledged, which is not`);
    }
  }
  return found;
}

function outOfBounds({ seen, missing }: ChainShown, index: number, asked: Asked): string[] {
  const acked = asked.before.acked[index] ?? -1;
  const begun = asked.after.begun[index] ?? -1;
  return [
    ...(missing > acked
      ? [] : [`chain ${index}: ${missing} is not in it, ${acked} was acknowledged before`]),
    ...(seen <= begun
      ? [] : [`chain ${index}: ${seen} is in it, only ${begun} was begun before its end`]),
  ];
}
