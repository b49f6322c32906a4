/** What keeps a snapshot from being removed: holds, set and ended. */
import { useState } from "preact/hooks";
import { call } from "../call.ts";
import { timeText } from "../format.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { quoted } from "../shell-word.ts";
import type { OfSnapshot } from "./snapshot-actions.tsx";

const DAY_MS = 86_400_000;
const periods = [
  { text: "until it is released", days: undefined },
  { text: "for a day", days: 1 },
  { text: "for a week", days: 7 },
  { text: "for 30 days", days: 30 },
  { text: "for a year", days: 365 },
] as const;

export function HoldSnapshot({ name }: OfSnapshot) {
  const [owner, setOwner] = useState("");
  const [reason, setReason] = useState("");
  const [period, setPeriod] = useState(0);
  const days = periods[period]?.days;
  const run = () => call("snapshotHold", {
    params: { snapshot: name },
    body: {
      reason: reason.trim(),
      ...(owner.trim() === "" ? {} : { owner: owner.trim() }),
      ...(days === undefined ? {} : { untilMs: Date.now() + days * DAY_MS }),
    },
  });
  return (
    <ActionDialog
      title={`Hold ${name}`} verb="Hold" isReady={reason.trim() !== ""} run={run}
      commands={[
        `mortar snapshot hold ${quoted(name)} --reason ${quoted(reason.trim() || "WHY")}` +
          (owner.trim() === "" ? "" : ` --owner ${quoted(owner.trim())}`) +
          (days === undefined ? "" : ` --until ${days}d`),
      ]}
      done={() => `${name} is held.`}
    >
      <label class="field">
        <span>Why</span>
        <input
          value={reason} required maxLength={1024}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>Whose hold it is <span class="hint">(a person, a team, a ticket)</span></span>
        <input
          value={owner} maxLength={1024} placeholder="you"
          onInput={(event) => setOwner(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>How long</span>
        <select value={period} onChange={(event) => setPeriod(Number(event.currentTarget.value))}>
          {periods.map(({ text }, index) => <option value={index}>{text}</option>)}
        </select>
      </label>
      <p>
        Nothing deletes it meanwhile: no command, no schedule, no limit.{" "}
        {days === undefined ? "" : `The hold ends at ${timeText(Date.now() + days * DAY_MS)}.`}
      </p>
      <p class="freed">It frees nothing, and keeps what the snapshot has from being freed.</p>
    </ActionDialog>
  );
}

export function ReleaseSnapshot({ name, owner }: OfSnapshot & { readonly owner: string }) {
  return (
    <ActionDialog
      title={`End the hold of ${owner}?`} verb="Release"
      commands={[`mortar snapshot release ${quoted(name)} --owner ${quoted(owner)}`]}
      run={() => call("snapshotRelease", { params: { snapshot: name }, body: { owner } })}
      done={() => `The hold of ${owner} on ${name} is ended.`}
    >
      <p>{name} can be deleted again, and schedules may prune it, unless others hold it.</p>
      <p class="freed">It frees nothing now.</p>
    </ActionDialog>
  );
}
