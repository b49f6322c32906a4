/** A schedule made or changed: beside the form stands what it would do, as the daemon computes it. */
import type { Answer, Retention, Schedule, SchedulePreview } from "@mortar/api";
import { useEffect, useState } from "preact/hooks";
import { DeleteSchedule, RunSchedule, SaveSchedule, SwitchSchedule } from "../actions/schedule-actions.tsx";
import { call } from "../call.ts";
import { agoText, countText, timeText } from "../format.ts";
import { ask } from "../parts/action-dialog.tsx";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { type Draft, settingsOf } from "../schedule-draft.ts";
import { LastRun } from "./schedules.tsx";

const kinds = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
const PREVIEW_AFTER_MS = 250;

const crumbs = [{ text: "Schedules", href: "#/schedules" }];

export function ScheduleEditor({ name }: { readonly name: string | undefined }) {
  const schedules = useResource("scheduleList");
  const fresh: Draft = {
    name: "", volumes: [], cron: "", keep: { hourly: 24, daily: 7 },
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  if (name === undefined) {
    return (
      <>
        <PageHead title="New schedule" crumbs={crumbs} />
        <Editor key="new" draft={fresh} present={undefined} />
      </>
    );
  }
  const found = schedules.data?.find((it) => it.name === name);
  return (
    <>
      <PageHead title={name} crumbs={crumbs}>{found === undefined ? null : <Head schedule={found} />}</PageHead>
      <Loaded of={schedules}>
        {() => found === undefined
          ? <Card title="Schedule"><Empty>There is no schedule {name}.</Empty></Card>
          : <Editor key={name} draft={found} present={found} />}
      </Loaded>
    </>
  );
}

function Head({ schedule }: { readonly schedule: Schedule }) {
  const { name, enabled } = schedule;
  return (
    <>
      {!enabled ? <Status level="idle">disabled</Status> : (
        <span class="row"><span class="muted">Last run</span><LastRun schedule={schedule} /></span>
      )}
      <span class="space" />
      <div class="actions">
        <button type="button" class="button" onClick={() => ask(<RunSchedule name={name} />)}>Run now…</button>
        <button
          type="button" class="button"
          onClick={() => ask(<SwitchSchedule name={name} enabled={!enabled} />)}
        >
          {enabled ? "Disable…" : "Enable…"}
        </button>
        <button type="button" class="button danger" onClick={() => ask(<DeleteSchedule name={name} />)}>
          Delete…
        </button>
      </div>
    </>
  );
}

interface EditorProps {
  readonly draft: Draft;
  readonly present: Schedule | undefined;
}

function Editor({ draft: initial, present }: EditorProps) {
  const [draft, setDraft] = useState(initial);
  const preview = usePreview(draft, present);
  const change = (fields: Partial<Draft>): void => setDraft({ ...draft, ...fields });
  const isNamed = /^[A-Za-z0-9_-]{1,64}$/.test(draft.name);
  const isReady = isNamed && draft.volumes.length > 0 && preview?.ok === true;
  return (
    <div class="columns">
      <Card title="What it does">
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (isReady) ask(<SaveSchedule draft={draft} isNew={present === undefined} preview={preview.result} />);
          }}
        >
          <Fields draft={draft} change={change} isNew={present === undefined} />
          <div><button type="submit" class="button main" disabled={!isReady}>
            {present === undefined ? "Make schedule…" : "Save…"}
          </button></div>
        </form>
      </Card>
      <div class="stack">
        {preview === undefined ? <p class="muted" role="status">Computing…</p>
          : preview.ok ? <Preview of={preview.result} draft={draft} />
            : <ProblemNote problem={preview.problem} />}
      </div>
    </div>
  );
}

interface FieldsProps {
  readonly draft: Draft;
  readonly change: (fields: Partial<Draft>) => void;
  readonly isNew: boolean;
}

function Fields({ draft, change, isNew }: FieldsProps) {
  const volumes = useResource("volumeInfoAll").data ?? [];
  const turn = (name: string, isOn: boolean): void => change({
    volumes: isOn ? [...draft.volumes, name] : draft.volumes.filter((it) => it !== name),
  });
  return (
    <>
      {!isNew ? null : (
        <label class="field">
          <span>Name <span class="hint">(letters, digits, - and _)</span></span>
          <input
            value={draft.name} required pattern="[A-Za-z0-9_\-]{1,64}" autocomplete="off"
            onInput={(event) => change({ name: event.currentTarget.value })}
          />
        </label>
      )}
      <fieldset class="field plain-set">
        <legend>Volumes, of one moment</legend>
        {volumes.length === 0 ? <span class="muted">There is no volume.</span> : volumes.map(({ name }) => (
          <label class="check" key={name}>
            <input
              type="checkbox" checked={draft.volumes.includes(name)}
              onChange={(event) => turn(name, event.currentTarget.checked)}
            />
            <span class="break">{name}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="field plain-set">
        <legend>How many to keep <span class="hint">(all empty: all)</span></legend>
        <div class="keep-grid">
          {kinds.map((kind) => (
            <label class="field" key={kind}>
              <span>{kind}</span>
              <input
                type="number" min={0} max={100_000} value={draft.keep[kind] ?? ""}
                onInput={(event) => change({ keep: withCount(draft.keep, kind, event.currentTarget.value) })}
              />
            </label>
          ))}
        </div>
      </fieldset>
      <label class="field">
        <span>When <span class="hint">(cron: minute hour day month weekday; empty: as often as is kept)</span></span>
        <input
          class="mono" value={draft.cron} placeholder="0 * * * *" spellcheck={false}
          onInput={(event) => change({ cron: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        <span>Time zone</span>
        <input
          value={draft.timeZone} spellcheck={false}
          onInput={(event) => change({ timeZone: event.currentTarget.value })}
        />
      </label>
    </>
  );
}

function withCount(keep: Retention, kind: (typeof kinds)[number], text: string): Retention {
  const { [kind]: _, ...rest } = keep;
  const count = Number.parseInt(text, 10);
  return Number.isInteger(count) && count > 0 ? { ...rest, [kind]: count } : rest;
}

/** Undefined: not asked yet. The last answer stays while the next is under way. */
function usePreview(
  draft: Draft, present: Schedule | undefined,
): Answer<SchedulePreview> | undefined {
  const [answer, setAnswer] = useState<Answer<SchedulePreview> | undefined>(undefined);
  const body = settingsOf(draft);
  const schedule = draft.name.trim() === "" ? "-" : draft.name.trim();
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => void (async () => {
      try {
        setAnswer(await call("schedulePreview", { params: { schedule }, body }, stop.signal));
      } catch {
        // Aborted, or the page says already that nobody answers.
      }
    })(), PREVIEW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
    // What it took or pruned meanwhile is part of the answer.
  }, [JSON.stringify([schedule, body, present?.snapshots, present?.lastRun])]);
  return answer;
}

function Preview({ of, draft }: { readonly of: SchedulePreview; readonly draft: Draft }) {
  const doomed = of.decisions.filter(({ keep }) => !keep);
  const kept = of.decisions.filter(({ keep }) => keep);
  return (
    <>
      <Card title="Next runs" aside={<code class="small">{of.cron}</code>}>
        {of.nextMs.length === 0 ? <Empty>It is never due.</Empty> : (
          <ol class="runs">
            {of.nextMs.map((at) => (
              <li class="spread" key={at}>
                <span>{timeText(at)}</span><span class="muted">{agoText(at, Date.now())}</span>
              </li>
            ))}
          </ol>
        )}
      </Card>
      <Card
        title="What it would prune"
        aside={<span class="muted small">{countText(kept.length, "snapshot stays", "snapshots stay")}</span>}
      >
        {of.decisions.length === 0
          ? <p class="muted">{draft.name === "" ? "It" : draft.name} has made no snapshot yet.</p>
          : (
            <ul class="runs">
              {doomed.map(({ name }) => (
                <li class="spread" key={name}>
                  <span class="break">{name}</span><Status level="bad">is deleted</Status>
                </li>
              ))}
              {kept.slice(0, 60).map(({ name, reasons }) => (
                <li class="spread" key={name}>
                  <span class="break">{name}</span>
                  <Status level="ok">stays: {reasons.join(", ")}</Status>
                </li>
              ))}
            </ul>
          )}
        {doomed.length === 0 ? null : <p class="muted small">At its next run, or at “mortar snapshot prune”.</p>}
      </Card>
    </>
  );
}
