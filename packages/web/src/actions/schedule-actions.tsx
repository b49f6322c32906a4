/** Changes of a schedule, each with its question. */
import type { SchedulePreview } from "@mortar/api";
import { call } from "../call.ts";
import { countText, timeText } from "../format.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { Note } from "../parts/status.tsx";
import { go } from "../router.ts";
import { quoted } from "../shell-word.ts";
import { type Draft, settingsOf } from "../schedule-draft.ts";

export interface SaveScheduleProps {
  readonly draft: Draft;
  readonly isNew: boolean;
  readonly preview: SchedulePreview;
}

export function SaveSchedule({ draft, isNew, preview }: SaveScheduleProps) {
  const { name, volumes } = draft;
  const doomed = preview.decisions.filter(({ keep }) => !keep);
  const run = () => isNew
    ? call("scheduleAdd", { body: { name, ...settingsOf(draft), volumes: [...volumes] } })
    : call("scheduleEdit", { params: { schedule: name }, body: settingsOf(draft) });
  return (
    <ActionDialog
      title={isNew ? `Make the schedule ${name}?` : `Change the schedule ${name}?`}
      verb={isNew ? "Make schedule" : "Save schedule"} run={run} isDanger={doomed.length > 0}
      commands={[commandOf(draft, isNew, preview.cron)]}
      done={() => `The schedule ${name} is saved.`} after={() => go(["schedules", name])}
    >
      <ol class="steps">
        <li>
          <strong>Take</strong>
          <span class="break">
            a snapshot of {volumes.join(", ")},{" "}
            {preview.nextMs[0] === undefined ? "never" : `first at ${timeText(preview.nextMs[0])}`}
          </span><span />
        </li>
        {doomed.map((it) => (
          <li key={it.name}>
            <strong class="bad">Remove</strong><span class="break">{it.name}, at the next run</span><span />
          </li>
        ))}
      </ol>
      {doomed.length === 0
        ? <p class="freed">None of its snapshots is deleted by this.</p>
        : <Note level="warn"><p>{countText(doomed.length, "snapshot")} would go for good.</p></Note>}
    </ActionDialog>
  );
}

function commandOf({ name, volumes, keep, timeZone }: Draft, isNew: boolean, cron: string): string {
  const kept = Object.entries(keep).map(([kind, count]) => `${kind} ${count}`).join(", ");
  const options = ` --time-zone ${quoted(timeZone)}` + (kept === "" ? "" : ` --keep ${quoted(kept)}`);
  const of = volumes.map(quoted).join(" ");
  return isNew
    ? `mortar snapshot schedule add ${name} ${quoted(cron)} ${of}${options}`
    : `mortar snapshot schedule edit ${name} ${quoted(cron)} ${of}${options}`;
}

export function RunSchedule({ name }: { readonly name: string }) {
  return (
    <ActionDialog
      title={`Run ${name} now?`} verb="Run now" commands={[`mortar snapshot schedule run ${name}`]}
      run={() => call("scheduleRun", { params: { schedule: name }, body: {} })}
      done={({ snapshot, error, removals }) =>
        error === undefined
          ? `${snapshot ?? "The snapshot"} is taken, ${countText(removals.length, "other")} pruned.`
          : `It failed: ${error}`}
    >
      <p>A snapshot is taken at once, and what the schedule does not keep is pruned.</p>
    </ActionDialog>
  );
}

export function SwitchSchedule({ name, enabled }: { readonly name: string; readonly enabled: boolean }) {
  const verb = enabled ? "Enable" : "Disable";
  return (
    <ActionDialog
      title={`${verb} the schedule ${name}?`} verb={verb}
      commands={[`mortar snapshot schedule ${verb.toLowerCase()} ${name}`]}
      run={() => call("scheduleSet", { body: { name, enabled } })}
      done={() => `${name} is ${verb.toLowerCase()}d.`}
    >
      <p>
        {enabled
          ? "It goes on with its next run. What was due meanwhile is not made up for."
          : "No snapshot is taken, and none is pruned, until it is enabled again."}
      </p>
    </ActionDialog>
  );
}

export function DeleteSchedule({ name }: { readonly name: string }) {
  return (
    <ActionDialog
      title={`Delete the schedule ${name}?`} verb="Delete schedule" isDanger
      commands={[`mortar snapshot schedule delete ${name}`]}
      run={() => call("scheduleDelete", { params: { schedule: name } })}
      done={() => `The schedule ${name} is deleted.`} after={() => go(["schedules"])}
    >
      <p>Its snapshots stay, and nothing prunes them any more.</p>
      <p class="freed">It frees nothing.</p>
    </ActionDialog>
  );
}
