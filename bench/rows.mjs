/**
 * What a row of a benchmark is made of: alternating rounds of ours and the peer's, medians, and the median of the
 * rounds' ratios (a ratio within a round stands the noise of the machine better than one of medians).
 */
export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * `higher` tells that more is better (operations a second); otherwise less is (seconds). The ratio is how many times
 * ours is better. `ours` and `peer` have one figure a round.
 */
export function row({ work, unit, ours, peer, higher, atLeast, aim, note }) {
  const ratios = ours.map((value, round) => (higher ? value / peer[round] : peer[round] / value));
  return {
    work,
    ours: rounded(median(ours)),
    peer: rounded(median(peer)),
    unit,
    ratio: rounded(median(ratios)),
    range: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
    atLeast,
    aim,
    ...(note && { note }),
  };
}

/** What could not be measured, and why. */
export function unmeasured(work, error) {
  return { work, unit: "", failure: error instanceof Error ? error.message : String(error) };
}

export function rounded(value) {
  if (!Number.isFinite(value)) return value;
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** One line a row, as wide as a terminal. */
export function table(rows) {
  const head = ["work", "ours", "peer", "unit", "ratio", "range", "at least", "aim", "", ""];
  const body = rows.map((each) => [
    each.work, String(each.ours ?? "-"), String(each.peer ?? "-"), each.unit, each.ratio?.toFixed(2) ?? "-",
    each.range ? `${each.range[0]}-${each.range[1]}` : "",
    String(each.atLeast ?? "-"), String(each.aim ?? "-"), verdict(each), each.failure ?? each.note ?? "",
  ]);
  const widths = head.map((word, column) =>
    Math.max(word.length, ...body.map((cells) => cells[column].length)));
  return [head, ...body]
    .map((cells) => cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join("  ").trimEnd())
    .join("\n");
}

function verdict({ ratio, atLeast, aim, failure }) {
  if (failure !== undefined) return "NOT MEASURED";
  if (atLeast === undefined) return "";
  if (ratio >= aim) return "aim";
  return ratio >= atLeast ? "met" : "MISSED";
}
