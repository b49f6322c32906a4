/** A volume's snapshots on a line of time: one mark a snapshot, as high as what only it holds. */
import { useEffect, useRef, useState } from "preact/hooks";
import { bytesText, countText, timeText } from "../format.ts";
import { marksOf, scaleOf, ticksOf, type TimelineItem, type TimelineMark, xOf } from "../timeline-layout.ts";

export interface TimelineEntry extends TimelineItem {
  readonly isKept: boolean;
  readonly isSafety: boolean;
}

export interface TimelineProps {
  readonly entries: readonly TimelineEntry[];
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

const HEIGHT = 116;
const GROUND = 92;
const BAR_MAX = 66;
const BAR_WIDTH = 8;

export function Timeline({ entries, chosen, onChoose }: TimelineProps) {
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const now = Date.now();
  const scale = scaleOf(entries, now, width);
  const marks = marksOf(entries, scale, BAR_MAX);
  const zone = -new Date(now).getTimezoneOffset() * 60_000;
  const byName = new Map(entries.map((it) => [it.name, it]));
  const at = marks.findIndex(({ names }) => chosen !== undefined && names.includes(chosen));
  const move = (event: KeyboardEvent, index: number): void => {
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: marks.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const target = host.current?.querySelectorAll<SVGElement>(".mark")[Math.max(0, Math.min(to, marks.length - 1))];
    target?.focus();
    target?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  };
  return (
    <div class="timeline" ref={host}>
      <svg height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="group" aria-label="Snapshots by time; arrow keys move">
        {ticksOf(scale, zone).map(({ x, atMs, text }) => (
          <g key={atMs} aria-hidden="true">
            <line class="tick" x1={x} x2={x} y1={10} y2={GROUND + 5} />
            <text x={x} y={HEIGHT - 6} text-anchor={anchorOf(x, width)}>{text}</text>
          </g>
        ))}
        <line class="axis" x1={0} x2={width} y1={GROUND} y2={GROUND} />
        <line class="now" x1={xOf(scale, now)} x2={xOf(scale, now)} y1={6} y2={GROUND} />
        <text x={width} y={9} text-anchor="end" aria-hidden="true">now</text>
        {marks.map((mark, index) => (
          <Mark
            key={mark.names[0]} mark={mark} entry={byName.get(mark.names[0]!)!}
            isChosen={index === at} isFirst={index === Math.max(at, 0)}
            onKeyDown={(event) => move(event, index)}
            onClick={() => onChoose(nextOf(mark.names, chosen))}
          />
        ))}
      </svg>
    </div>
  );
}

/** A click on a mark that several share goes from one to the next. */
function nextOf(names: readonly string[], chosen: string | undefined): string {
  return names[(names.indexOf(chosen ?? "") + 1) % names.length]!;
}

function anchorOf(x: number, width: number): "start" | "middle" | "end" {
  return x < 40 ? "start" : x > width - 40 ? "end" : "middle";
}

interface MarkProps {
  readonly mark: TimelineMark;
  readonly entry: TimelineEntry;
  readonly isChosen: boolean;
  /** One stop of the tab key for all marks. */
  readonly isFirst: boolean;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onClick: () => void;
}

function Mark({ mark, entry, isChosen, isFirst, onKeyDown, onClick }: MarkProps) {
  const { x, height, names, exclusiveBytes, isKnown } = mark;
  const what = names.length === 1 ? names[0] : countText(names.length, "snapshot");
  const size = isKnown ? `, ${bytesText(exclusiveBytes)} only here` : "";
  const label = `${what}, ${timeText(entry.atMs)}${size}`;
  const kind = entry.isSafety ? "safety" : entry.isKept ? "kept" : "";
  return (
    <g
      class={`mark ${kind} ${isChosen ? "chosen" : ""}`} role="button" aria-label={label}
      aria-pressed={isChosen} tabIndex={isFirst ? 0 : -1} onClick={onClick}
      onKeyDown={(event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          onClick();
        } else {
          onKeyDown(event);
        }
      }}
    >
      <title>{label}</title>
      <rect class="hit" x={x - 7} y={GROUND - BAR_MAX - 16} width={14} height={BAR_MAX + 18} rx={3} />
      <rect
        class="body" x={x - BAR_WIDTH / 2} y={GROUND - height} width={BAR_WIDTH} height={height}
        rx={2}
      />
      {names.length === 1 ? null : (
        <text class="count" x={x} y={GROUND - height - 4} text-anchor="middle" aria-hidden="true">
          {names.length}
        </text>
      )}
    </g>
  );
}

function useWidth(host: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return Math.max(width, 200);
}
