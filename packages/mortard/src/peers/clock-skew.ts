/**
 * What the clocks of the nodes say about this one's: a snapshot has the time of the node that takes
 * it, in its record and in its name.
 *
 * A node is out of step when most of the nodes say so. Of two, nobody can tell which one is: it is
 * warned of, and nothing is refused.
 */

export interface PeerClock {
  readonly host: string;
  /** Its clock less ours. */
  readonly skewMs: number;
}

export interface ClockVerdict {
  /** How far most clocks are ahead of this node's. */
  readonly behindMs: number;
  /** Whether this node may give times to what others see. */
  readonly isInStep: boolean;
  readonly warnings: readonly string[];
}

/** More than that, and certificates, leases and names of snapshots are not what they say. */
export const SKEW_MS_MAX = 30_000;
export const SKEW_MS_NOTED = 1_000;

/** `peers`: those that answer. */
export function judgeClocks(peers: readonly PeerClock[]): ClockVerdict {
  const behindMs = middle([0, ...peers.map((it) => it.skewMs)]);
  const isInStep = Math.abs(behindMs) <= SKEW_MS_MAX;
  const noted = peers.filter(({ skewMs }) => Math.abs(skewMs) > SKEW_MS_NOTED);
  const warnings = noted.map(({ host, skewMs }) =>
    `The clock of ${host} differs from this node's by ${seconds(skewMs)} s: set both by NTP.`);
  return { behindMs, isInStep, warnings };
}

/** For people, without a sign. */
export function seconds(ms: number): string {
  return (Math.abs(ms) / 1000).toFixed(1);
}

/** Of an even count, the one of the two that is nearer to 0. */
function middle(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const upper = sorted[sorted.length >> 1] ?? 0;
  if (sorted.length % 2 === 1) return upper;
  const lower = sorted[(sorted.length >> 1) - 1] ?? 0;
  return Math.abs(lower) < Math.abs(upper) ? lower : upper;
}
