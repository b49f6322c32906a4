/** Changes of a snapshot, each with its question. */
import { useState } from "preact/hooks";
import { call } from "../call.ts";
import { timeText } from "../format.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { PlanView, usePlan } from "../parts/plan-view.tsx";
import { Note } from "../parts/status.tsx";
import { go } from "../router.ts";
import { quoted } from "../shell-word.ts";

const NOT_ACTIVATED = "snapshot-inactive";

export interface OfSnapshot {
  readonly name: string;
}

export function DeleteSnapshot({ name }: OfSnapshot) {
  const plan = usePlan({ command: "snapshot delete", snapshot: name });
  return (
    <ActionDialog
      title={`Delete the snapshot ${name}?`} verb="Delete snapshot" isDanger
      isReady={plan?.ok === true} commands={[`mortar snapshot delete ${quoted(name)}`]}
      run={() => call("snapshotDelete", { params: { snapshot: name } })}
      done={({ pending }) => pending === true
        ? `${name} will be gone when all its nodes can be reached.`
        : `${name} is deleted.`}
    >
      <PlanView answer={plan} />
      <p class="muted">Files that are only in this snapshot are gone for good.</p>
    </ActionDialog>
  );
}

export interface OfVolumeSnapshot extends OfSnapshot {
  readonly volume: string;
  /** Of a snapshot of several volumes: the others, which are left alone. */
  readonly others: readonly string[];
  readonly createdAtMs: number;
  readonly isStarted: boolean;
}

export function RestoreSnapshot({ name, volume, others, createdAtMs, isStarted }: OfVolumeSnapshot) {
  const [keeps, setKeeps] = useState(true);
  const [typed, setTyped] = useState("");
  const choice = { safety: keeps, ...(isStarted ? { online: true } : {}), ...(others.length === 0 ? {} : { volume }) };
  const plan = usePlan({ command: "snapshot restore", snapshot: name, ...choice });
  const flags = `${isStarted ? " --online" : ""}${keeps ? "" : " --no-safety"}`;
  return (
    <ActionDialog
      title={`Put ${volume} back to ${timeText(createdAtMs)}?`} verb="Restore volume" isDanger
      isReady={plan?.ok === true && typed === volume}
      commands={[`mortar snapshot restore ${quoted(name)}${wordsOf(volume, others)}${flags}`]}
      run={() => call("snapshotRestore", { params: { snapshot: name }, body: choice })}
      done={({ safetySnapshot }) =>
        `${volume} is as it was at ${timeText(createdAtMs)}.` +
        (safetySnapshot === undefined ? "" : ` The present was kept as ${safetySnapshot}.`)}
    >
      <Note level="warn">
        <p>
          Everything in {volume} becomes what it was then; what was written since is no longer in
          the volume. {isStarted ? "Clients stay connected and wait meanwhile." : ""}
          {others.length === 0 ? "" : ` ${others.join(", ")}, of the same snapshot, stay as they are.`}
        </p>
      </Note>
      <label class="check">
        <input
          type="checkbox" checked={keeps}
          onChange={(event) => setKeeps(event.currentTarget.checked)}
        />
        <span>Keep the present as a safety snapshot, so that this can be taken back</span>
      </label>
      <PlanView answer={plan} />
      <label class="field">
        <span>Type the name of the volume, {volume}, to go on</span>
        <input
          value={typed} autocomplete="off" spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
    </ActionDialog>
  );
}

/** Which volume is meant, where there are several. */
function wordsOf(volume: string, others: readonly string[]): string {
  return others.length === 0 ? "" : ` volume ${quoted(volume)}`;
}

export interface CloneProps extends OfSnapshot {
  readonly volume: string;
  readonly others: readonly string[];
  readonly isActivated: boolean;
  readonly brickCount: number;
}

export function CloneSnapshot({ name, volume, others, isActivated, brickCount }: CloneProps) {
  const [clone, setClone] = useState("");
  const clean = clone.trim();
  const make = () => call("snapshotClone", {
    params: { snapshot: name }, body: { name: clean, ...(others.length === 0 ? {} : { volume }) },
  });
  const run = async () => {
    const first = isActivated ? await make() : undefined;
    // What was activated for who looks into it may have been let go meanwhile.
    if (first !== undefined && (first.ok || first.problem.type !== NOT_ACTIVATED)) return first;
    const answer = await call("snapshotActivate", { params: { snapshot: name }, body: {} });
    return answer.ok ? await make() : answer;
  };
  return (
    <ActionDialog
      title={`Make a volume of ${name}`} verb="Clone" isReady={clean !== ""} run={run}
      commands={[
        ...(isActivated ? [] : [`mortar snapshot activate ${quoted(name)}`]),
        `mortar snapshot clone ${quoted(clean === "" ? "NAME" : clean)} ${quoted(name)}${wordsOf(volume, others)}`,
      ]}
      done={() => `The volume ${clean} is made. It is not started yet.`}
      after={() => go(["volumes", clean])}
    >
      <label class="field">
        <span>Name of the new volume</span>
        <input
          value={clone} autocomplete="off" spellcheck={false} required
          onInput={(event) => setClone(event.currentTarget.value)}
        />
      </label>
      <ol class="steps">
        {isActivated ? null : (
          <li><strong>Activate</strong><span class="break">{name}, which a clone needs</span><span /></li>
        )}
        <li>
          <strong>Make</strong>
          <span>{brickCount} thin logical volumes out of those of the snapshot</span><span />
        </li>
        <li>
          <strong>Make</strong>
          <span>the volume {clean === "" ? "…" : clean}, with the options of {volume}</span><span />
        </li>
      </ol>
      <p class="freed">It takes no space now; later what is written to it.</p>
    </ActionDialog>
  );
}

export function ActivateSnapshot({ name }: OfSnapshot) {
  return (
    <ActionDialog
      title={`Activate ${name}?`} verb="Activate"
      commands={[`mortar snapshot activate ${quoted(name)}`]}
      run={() => call("snapshotActivate", { params: { snapshot: name }, body: {} })}
      done={() => `${name} is activated: clients can mount it.`}
    >
      <p>
        Its bricks are mounted and served, read-only, until you deactivate it. Clients mount it
        as <code>SERVER:/snaps/{name}/VOLUME</code>.
      </p>
      <p class="freed">It takes no space; a process for each brick.</p>
    </ActionDialog>
  );
}

export function DeactivateSnapshot({ name }: OfSnapshot) {
  const plan = usePlan({ command: "snapshot deactivate", snapshot: name });
  return (
    <ActionDialog
      title={`Deactivate ${name}?`} verb="Deactivate" isReady={plan?.ok === true}
      commands={[`mortar snapshot deactivate ${quoted(name)}`]}
      run={() => call("snapshotDeactivate", { params: { snapshot: name }, body: {} })}
      done={() => `${name} is deactivated.`}
    >
      <PlanView answer={plan} />
      <p class="muted">Clients that have it mounted lose it. Its data stays.</p>
    </ActionDialog>
  );
}
