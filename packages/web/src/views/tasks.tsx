/** Tasks of all nodes: how far they are, and how they ended. */
import type { Task, TaskCount } from "@mortar/api";
import { agoText, bytesText, countText, timeText } from "../format.ts";
import { CancelTask } from "../actions/cancel-task.tsx";
import { ask } from "../parts/action-dialog.tsx";
import { Card, Empty, Loaded } from "../parts/frame.tsx";
import { type Level, Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";

const SHOWN = 50;
const EVERY_MS = 2_000;

const levels: Readonly<Record<Task["state"], Level>> = {
  running: "idle", cancelling: "warn", done: "ok", failed: "bad", cancelled: "idle",
  interrupted: "warn",
};

export function Tasks() {
  const tasks = useResource("taskList", { query: { limit: SHOWN } }, { everyMs: EVERY_MS });
  return (
    <Loaded of={tasks}>
      {(all) => (
        <Card title="Tasks" isTable>
          {all.length === 0 ? <Empty>Nothing that takes long was done.</Empty> : (
            <table>
              <thead>
                <tr>
                  <th scope="col">Task</th><th scope="col">State</th><th scope="col">Progress</th>
                  <th scope="col" class="wide-only">Begun</th>
                  {all.some(isCancellable) ? <th scope="col">Stop</th> : null}
                </tr>
              </thead>
              <tbody>
                {all.map((it) => <Row key={it.id} task={it} hasStop={all.some(isCancellable)} />)}
              </tbody>
            </table>
          )}
        </Card>
      )}
    </Loaded>
  );
}

function isCancellable({ state, canCancel }: Task): boolean {
  return state === "running" && canCancel;
}

function Row({ task, hasStop }: { readonly task: Task; readonly hasStop: boolean }) {
  const { sentence, state, progress, startedAtMs, by, node, problem } = task;
  return (
    <tr>
      <th scope="row" class="break" style={{ minWidth: "9em" }}>
        {sentence}
        {problem === undefined ? null : <div class="bad small">{problem.detail}</div>}
      </th>
      <td class="nowrap"><Status level={levels[state]}>{state}</Status></td>
      <td style={{ minWidth: "8em" }}>
        {progress === undefined ? <span class="muted">–</span> : <Progress of={progress} label={sentence} />}
      </td>
      <td class="wide-only small" title={timeText(startedAtMs)}>
        {agoText(startedAtMs, Date.now())} <div class="muted">{by} on {node}</div>
      </td>
      {!hasStop ? null : (
        <td>
          {!isCancellable(task) ? null : (
            <button
              type="button" class="button" aria-label={`Cancel… ${sentence}`}
              onClick={() => ask(<CancelTask task={task} />)}
            >
              Cancel…
            </button>
          )}
        </td>
      )}
    </tr>
  );
}

function Progress({ of, label }: { readonly of: TaskCount; readonly label: string }) {
  const { done, total, unit, note } = of;
  const counted = unit === "bytes"
    ? bytesText(done) + (total === undefined ? "" : ` of ${bytesText(total)}`)
    : total === undefined ? countText(done, unit.replace(/s$/, "")) : `${done} of ${total} ${unit}`;
  const percent = total === undefined || total === 0 ? undefined : Math.min(100, (100 * done) / total);
  return (
    <div class="gauge">
      {percent === undefined ? null : (
        <div
          class="bar" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100}
          aria-valuenow={Math.round(percent)} aria-valuetext={counted}
        >
          <span style={{ width: `${percent}%` }} />
        </div>
      )}
      <span class="small">{counted}</span>
      {note === undefined ? null : <span class="muted small">{note}</span>}
    </div>
  );
}
