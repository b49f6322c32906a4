/** Tasks under way, and what happened. */
import type { ClusterEvent } from "@mortar/api";
import { useState } from "preact/hooks";
import { timeText } from "../format.ts";
import { events, isLive, keyOf } from "../live.ts";
import { NextStep } from "../parts/command-line.tsx";
import { Card, Empty, PageHead } from "../parts/frame.tsx";
import { Icon } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { Tasks } from "./tasks.tsx";

export function Activity() {
  return (
    <>
      <PageHead title="Activity" />
      <div class="stack">
        <Tasks />
        <Events />
      </div>
    </>
  );
}

const levels = { note: "idle", warning: "warn", error: "bad" } as const;

function Events() {
  const [wanted, setWanted] = useState("");
  const past = useResource("eventList", { query: { limit: 200 } });
  const known = new Set(events.value.map(keyOf));
  const all = [...events.value, ...(past.data ?? []).filter((it) => !known.has(keyOf(it)))]
    .sort((a, b) => b.atMs - a.atMs);
  const words = wanted.trim().toLowerCase();
  const shown = all.filter((it) =>
    `${it.sentence} ${it.node} ${it.kind} ${it.object}`.toLowerCase().includes(words));
  return (
    <Card
      title="Events"
      aside={
        <>
          {isLive.value ? <Status level="ok">live</Status> : <Status level="idle">no stream</Status>}
          <label>
            <span class="unseen">Only events with this in them</span>
            <input
              type="search" placeholder="Filter" value={wanted}
              onInput={(event) => setWanted(event.currentTarget.value)}
            />
          </label>
        </>
      }
      isTable
    >
      {past.problem === undefined ? null : <ProblemNote problem={past.problem} />}
      {shown.length === 0 ? <Empty>{past.isLoading ? "Asking…" : "Nothing happened."}</Empty> : (
        <ol class="log">
          {shown.slice(0, 200).map((it) => <Line key={keyOf(it)} event={it} />)}
        </ol>
      )}
    </Card>
  );
}

function Line({ event }: { readonly event: ClusterEvent }) {
  const { atMs, severity, sentence, node, nextStep } = event;
  const level = levels[severity];
  return (
    <li>
      <time dateTime={new Date(atMs).toISOString()}>{timeText(atMs)}</time>
      <span class={level}>
        <Icon name={level} /><span class="unseen">{severity}</span>
      </span>
      <span class="text">
        {sentence} <span class="muted small">{node}</span>
        {nextStep === undefined ? null : <NextStep text={nextStep} />}
      </span>
    </li>
  );
}
