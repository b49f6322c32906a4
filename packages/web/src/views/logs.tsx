/** Logs of the programs of a node, followed as they are written. */
import type { LogLevel, LogLine, LogsTold } from "@mortar/api";
import { useEffect, useState } from "preact/hooks";
import { call, Unreachable } from "../call.ts";
import { bytesText, timeText } from "../format.ts";
import { Card, Empty, PageHead } from "../parts/frame.tsx";
import { Icon } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { useResource } from "../resource.ts";
import { choose, place } from "../router.ts";

const KEPT = 500;
const LOOK_MS = 2_000;
const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];
const shown = { debug: "idle", info: "idle", warning: "warn", error: "bad" } as const;

type Problem = Extract<Awaited<ReturnType<typeof call<"nodeLogs">>>, { ok: false }>["problem"];

export function Logs() {
  const peers = useResource("peerList").data ?? [];
  const query = place.value.query;
  const node = query["node"] ?? "self";
  const unit = query["unit"] ?? "mortard";
  const level = levels.find((it) => it === query["level"]) ?? "info";
  const [isLive, setLive] = useState(true);
  const { told, lines, problem } = useLines({ node, unit, level, isLive });
  const pick = (field: string, value: string): void => choose({ ...query, [field]: value });
  return (
    <>
      <PageHead title="Logs" crumbs={[{ text: "Nodes", href: "#/nodes" }]}>
        <span class="space" />
        <label>
          <span class="unseen">Node</span>
          <select value={node} onChange={(event) => pick("node", event.currentTarget.value)}>
            <option value="self">this node</option>
            {peers.filter((it) => !it.self).map((it) => <option key={it.uuid} value={it.uuid}>{it.hostname}</option>)}
          </select>
        </label>
        <label>
          <span class="unseen">Program</span>
          <select value={unit} onChange={(event) => pick("unit", event.currentTarget.value)}>
            {(told?.units ?? []).some((it) => it.unit === unit) ? null : <option value={unit}>{unit}</option>}
            {told?.units.map((it) => (
              <option key={it.unit} value={it.unit}>{it.unit} ({bytesText(it.sizeBytes)})</option>
            ))}
          </select>
        </label>
        <label>
          <span class="unseen">Least level</span>
          <select value={level} onChange={(event) => pick("level", event.currentTarget.value)}>
            {levels.map((it) => <option key={it} value={it}>{it}</option>)}
          </select>
        </label>
        <label class="row">
          <input type="checkbox" checked={isLive} onChange={(event) => setLive(event.currentTarget.checked)} />
          Follow
        </label>
      </PageHead>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      <Card title={`${unit}, the newest first`} isTable>
        {lines.length === 0
          ? <Empty>{told === undefined ? "Asking…" : "Nothing of this level was written."}</Empty>
          : <ol class="log">{lines.map(({ key, line }) => <Line key={key} line={line} />)}</ol>}
      </Card>
    </>
  );
}

interface Asked {
  readonly node: string;
  readonly unit: string;
  readonly level: LogLevel;
  readonly isLive: boolean;
}

interface Kept {
  readonly key: number;
  readonly line: LogLine;
}

interface Read {
  readonly told: LogsTold | undefined;
  readonly lines: readonly Kept[];
  readonly problem: Problem | undefined;
}

const NOTHING: Read = { told: undefined, lines: [], problem: undefined };
let nextKey = 0;

function useLines({ node, unit, level, isLive }: Asked): Read {
  const [read, setRead] = useState<Read>(NOTHING);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let after: string | undefined;
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const query = { unit, level, ...(after === undefined ? {} : { after }) };
        const answer = await call("nodeLogs", { params: { node }, query }, abort.signal);
        if (answer.ok) {
          const isFirst = after === undefined;
          after = answer.result.next;
          const came = answer.result.lines.map((line) => ({ key: nextKey++, line })).toReversed();
          setRead((before) => ({
            told: answer.result, problem: undefined,
            lines: isFirst ? came : came.length === 0 ? before.lines : [...came, ...before.lines].slice(0, KEPT),
          }));
        } else setRead((before) => ({ ...before, problem: answer.problem }));
      } catch (error) {
        if (!(error instanceof Unreachable) && !abort.signal.aborted) throw error;
      }
      if (isLive && !abort.signal.aborted) timer = setTimeout(() => void ask(), LOOK_MS);
    };
    setRead(NOTHING);
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [node, unit, level, isLive]);
  return read;
}

function Line({ line }: { readonly line: LogLine }) {
  const { atMs, level, text } = line;
  return (
    <li>
      {atMs === undefined ? <span /> : <time dateTime={new Date(atMs).toISOString()}>{timeText(atMs)}</time>}
      <span class={shown[level]}><Icon name={shown[level]} /><span class="unseen">{level}</span></span>
      <span class="text mono small">{text}</span>
    </li>
  );
}
