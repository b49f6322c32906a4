/** How full something is: a bar for the eye, a meter for the screen reader, the figures for both. */
import { bytesText, percentText } from "../format.ts";

export interface GaugeProps {
  readonly label: string;
  readonly usedBytes: number;
  readonly totalBytes: number;
  /** Percent from which it is a warning, and a danger. */
  readonly warnAt?: number;
  readonly badAt?: number;
  /** Only the bar and the percentage. */
  readonly isSmall?: boolean;
}

export function fillLevel(percent: number, warnAt = 80, badAt = 95): "" | "warn" | "bad" {
  return percent >= badAt ? "bad" : percent >= warnAt ? "warn" : "";
}

/** Of what only the share is known. */
export function PercentGauge({ label, percent }: { readonly label: string; readonly percent: number }) {
  const level = fillLevel(percent);
  const text = percentText(percent, 100);
  return (
    <div class="gauge">
      <div class="spread"><strong>{label}</strong><span class={level}>{text}</span></div>
      <div
        class={`bar ${level}`} role="meter" aria-label={label} aria-valuemin={0}
        aria-valuemax={100} aria-valuenow={Math.round(percent)} aria-valuetext={text}
      >
        <span style={{ width: `${Math.min(100, percent)}%` }} />
      </div>
    </div>
  );
}

export function Gauge(
  { label, usedBytes, totalBytes, warnAt, badAt, isSmall = false }: GaugeProps,
) {
  const percent = totalBytes > 0 ? Math.min(100, (100 * usedBytes) / totalBytes) : 0;
  const level = fillLevel(percent, warnAt, badAt);
  const text = `${bytesText(usedBytes)} of ${bytesText(totalBytes)}`;
  return (
    <div class="gauge">
      {isSmall ? null : (
        <div class="spread">
          <strong>{label}</strong>
          <span>
            <span class={level}>{percentText(usedBytes, totalBytes)}</span>{" "}
            <span class="muted">{text}</span>
          </span>
        </div>
      )}
      <div
        class={`bar ${level}`} role="meter" aria-label={label} aria-valuemin={0}
        aria-valuemax={100} aria-valuenow={Math.round(percent)} aria-valuetext={text}
      >
        <span style={{ width: `${percent}%` }} />
      </div>
      {isSmall ? <span class="muted small">{text}</span> : null}
    </div>
  );
}
