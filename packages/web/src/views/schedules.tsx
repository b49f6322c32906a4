/** Schedules: what runs when, what came of it, and what they keep. */
import type { Schedule } from "@mortar/api";
import { agoText, countText, timeText } from "../format.ts";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { Icon } from "../parts/icon.tsx";
import { Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { hashOf } from "../router.ts";

export function Schedules() {
  const schedules = useResource("scheduleList");
  return (
    <>
      <PageHead title="Schedules">
        <span class="space" />
        <a class="button main" href="#/schedules/new"><Icon name="plus" />New schedule</a>
      </PageHead>
      <Loaded of={schedules}>
        {(all) => (
          <Card title="Schedules" isTable>
            {all.length === 0 ? <Empty>No schedule takes snapshots yet.</Empty> : (
              <table>
                <thead>
                  <tr>
                    <th scope="col">Name</th><th scope="col">Volumes</th><th scope="col">Keeps</th>
                    <th scope="col">Last run</th><th scope="col">Next run</th>
                  </tr>
                </thead>
                <tbody>{all.map((it) => <Row key={it.name} schedule={it} />)}</tbody>
              </table>
            )}
          </Card>
        )}
      </Loaded>
    </>
  );
}

function Row({ schedule }: { readonly schedule: Schedule }) {
  const { name, volumes, keep, enabled, nextMs, snapshots, cron } = schedule;
  const next = nextMs[0];
  return (
    <tr>
      <th scope="row">
        <a href={hashOf(["schedules", name])}>{name}</a>
        <div class="muted small mono nowrap">{cron}</div>
      </th>
      <td class="break">{volumes.join(", ")}</td>
      <td>{keepText(keep)}<div class="muted small">{countText(snapshots, "snapshot")} now</div></td>
      <td><LastRun schedule={schedule} /></td>
      <td class="nowrap" title={next === undefined ? "" : timeText(next)}>
        {!enabled ? <Status level="idle">disabled</Status>
          : next === undefined ? "never" : agoText(next, Date.now())}
      </td>
    </tr>
  );
}

export function LastRun({ schedule: { lastRun, interrupted } }: { readonly schedule: Schedule }) {
  if (interrupted) return <Status level="warn">under way, or interrupted</Status>;
  if (lastRun === undefined) return <span class="muted">none yet</span>;
  const when = agoText(lastRun.dueMs, Date.now());
  if (lastRun.error === undefined) return <Status level="ok">{when}</Status>;
  return (
    <>
      <Status level="bad">failed {when}</Status>
      <div class="small break">{lastRun.error}</div>
    </>
  );
}

export function keepText(keep: Schedule["keep"]): string {
  const parts = Object.entries(keep).map(([kind, count]) => `${count} ${kind}`);
  return parts.length === 0 ? "all" : parts.join(", ");
}
