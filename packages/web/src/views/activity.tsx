/** Tasks under way, and what happened. */
import type { ClusterEvent, VolumeStatus } from "@mortar/api";
import { useState } from "preact/hooks";
import { timeText } from "../format.ts";
import { events, isLive, keyOf } from "../live.ts";
import { NextStep } from "../parts/command-line.tsx";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { Icon } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { type Level, Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { hashOf } from "../router.ts";

export function Activity() {
  const statuses = useResource("volumeStatusAll", { query: { detail: true } });
  return (
    <>
      <PageHead title="Activity" />
      <div class="stack">
        <Loaded of={statuses}>{(all) => <Tasks statuses={all} />}</Loaded>
        <Events />
      </div>
    </>
  );
}

function Tasks({ statuses }: { readonly statuses: readonly VolumeStatus[] }) {
  const tasks = statuses.flatMap(({ name, tasks: of }) => of.map((task) => ({ ...task, volume: name })));
  return (
    <Card title="Tasks" isTable>
      {tasks.length === 0 ? <Empty>Nothing is being moved, emptied or healed.</Empty> : (
        <table>
          <thead><tr><th scope="col">Task</th><th scope="col">Volume</th><th scope="col">State</th></tr></thead>
          <tbody>
            {tasks.map(({ id, kind, status, volume, bricks }) => (
              <tr key={id}>
                <th scope="row">{kind}<div class="muted small break">{bricks.join(", ")}</div></th>
                <td><a href={hashOf(["volumes", volume])}>{volume}</a></td>
                <td><Status level={levelOfTask(status)}>{status}</Status></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function levelOfTask(status: string): Level {
  if (status.includes("failed")) return "bad";
  return status.includes("completed") ? "ok" : "idle";
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
