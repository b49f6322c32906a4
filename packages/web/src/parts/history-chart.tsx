/** The bytes of a pool over time, and its capacity, drawn with uPlot; a sentence for who sees none. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { bytesText, timeText } from "../format.ts";
import type { Forecast, Point } from "../forecast.ts";
import { theme } from "../theme.ts";

export interface HistoryChartProps {
  readonly label: string;
  readonly points: readonly Point[];
  readonly capacityBytes: number;
  readonly forecast: Forecast;
}

const HEIGHT = 168;
/** A forecast is drawn for as long again as was measured, no longer. */
const AHEAD = 1;

export function HistoryChart({ label, points, capacityBytes, forecast }: HistoryChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const key = `${points.length} ${points.at(-1)?.atMs ?? 0} ${theme.value}`;
  useEffect(() => {
    const element = host.current;
    if (element === null || points.length < 2) return undefined;
    const plot = new uPlot(optionsOf(element, capacityBytes), dataOf(points, capacityBytes, forecast), element);
    const observer = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [key]);
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 2) {
    return <p class="muted small">Its history begins now: a point is taken every minute.</p>;
  }
  const text = `${label}: ${bytesText(first.bytes)} at ${timeText(first.atMs)}, ` +
    `${bytesText(last.bytes)} at ${timeText(last.atMs)}`;
  return <div ref={host} class="chart" role="img" aria-label={text} />;
}

function dataOf(
  points: readonly Point[], capacityBytes: number, forecast: Forecast,
): uPlot.AlignedData {
  const times = points.map(({ atMs }) => atMs / 1000);
  const used: (number | null)[] = points.map(({ bytes }) => bytes);
  const ahead: (number | null)[] = points.map(() => null);
  const first = points[0]!;
  const last = points.at(-1)!;
  if (forecast.kind === "filling" && forecast.fullAtMs > last.atMs) {
    const endMs = Math.min(forecast.fullAtMs, last.atMs + AHEAD * (last.atMs - first.atMs));
    const slope = (capacityBytes - last.bytes) / (forecast.fullAtMs - last.atMs);
    ahead[ahead.length - 1] = last.bytes;
    times.push(endMs / 1000);
    used.push(null);
    ahead.push(last.bytes + slope * (endMs - last.atMs));
  }
  return [times, used, ahead, times.map(() => capacityBytes)];
}

function optionsOf(element: HTMLElement, capacityBytes: number): uPlot.Options {
  const color = (name: string) => colorOf(element, name);
  const font = "11px system-ui, sans-serif";
  const axis = {
    stroke: color("--muted"), font, grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth, height: HEIGHT,
    cursor: { show: false }, legend: { show: false },
    scales: { y: { range: [0, capacityBytes * 1.05] } },
    axes: [
      { ...axis, space: 80, size: 24, ...timeAxis() },
      {
        ...axis, size: 62, space: 34,
        values: (_plot, splits) => splits.map((it) => bytesText(it)),
        splits: () => [0, 0.25, 0.5, 0.75, 1].map((it) => it * capacityBytes),
      },
    ],
    series: [
      {},
      {
        stroke: color("--accent-fill"), width: 2, fill: color("--accent-soft"),
        points: { show: false },
      },
      { stroke: color("--warn-fill"), width: 2, dash: [5, 4], points: { show: false } },
      { stroke: color("--bad-fill"), width: 1, dash: [2, 3], points: { show: false } },
    ],
  };
}

/** Days when there are days, else hours: 24 of them, without a language. */
function timeAxis(): Pick<uPlot.Axis, "values"> {
  const two = (value: number): string => String(value).padStart(2, "0");
  return {
    values: (_plot, splits, _axis, _space, step) => splits.map((seconds) => {
      const at = new Date(seconds * 1000);
      return step >= 86_400
        ? `${two(at.getMonth() + 1)}-${two(at.getDate())}`
        : `${two(at.getHours())}:${two(at.getMinutes())}${step < 60 ? `:${two(at.getSeconds())}` : ""}`;
    }),
  };
}

/** A canvas knows no custom properties: what a colour is at this element, in this theme. */
function colorOf(element: HTMLElement, name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
