/** A new snapshot of a volume: whether its bricks are ready, what it costs, and its name. */
import { useState } from "preact/hooks";
import { call } from "../call.ts";
import { countText } from "../format.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { NextStep } from "../parts/command-line.tsx";
import { Note } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { quoted } from "../shell-word.ts";

export function CreateSnapshot({ volume }: { readonly volume: string }) {
  const [name, setName] = useState("");
  const [isStamped, setStamped] = useState(true);
  const [description, setDescription] = useState("");
  const clean = name.trim();
  return (
    <ActionDialog
      title={`Take a snapshot of ${volume}`} verb="Take snapshot" isReady={clean !== ""}
      commands={[
        `mortar snapshot create ${quoted(clean === "" ? "NAME" : clean)} ${quoted(volume)}` +
          (isStamped ? "" : " no-timestamp") +
          (description.trim() === "" ? "" : ` description ${quoted(description.trim())}`),
      ]}
      run={() => call("snapshotCreate", {
        body: {
          name: clean, volume, timestamp: isStamped,
          ...(description.trim() === "" ? {} : { description: description.trim() }),
        },
      })}
      done={({ name: made, pauseMs }) =>
        `${made} is taken.` +
        (pauseMs === undefined ? "" : ` Writes waited ${Math.round(pauseMs)} ms.`)}
    >
      <label class="field">
        <span>Name</span>
        <input
          value={name} autocomplete="off" spellcheck={false} required
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label class="check">
        <input
          type="checkbox" checked={isStamped}
          onChange={(event) => setStamped(event.currentTarget.checked)}
        />
        <span>Add the time to the name</span>
      </label>
      <label class="field">
        <span>Description <span class="hint">(may be empty)</span></span>
        <input value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
      </label>
      <Readiness volume={volume} />
    </ActionDialog>
  );
}

function Readiness({ volume }: { readonly volume: string }) {
  const readiness = useResource("brickReadiness", { query: { volume } });
  const config = useResource("snapshotConfigGet", { query: { volume } });
  const status = useResource("snapshotInfo", { query: { volume } });
  const obstacles = (readiness.data ?? []).flatMap(({ brick, obstacles: found }) =>
    found.map((it) => ({ ...it, brick })));
  const pauses = (status.data?.snapshots ?? []).flatMap(({ pauseMs }) => pauseMs ?? []);
  const limit = config.data?.volumes.find((it) => it.name === volume)?.effectiveHardLimit;
  const taken = status.data?.volume?.snapsTaken;
  return (
    <>
      {obstacles.map(({ brick, detail, nextStep }) => (
        <Note key={`${brick} ${detail}`} level="bad">
          <strong class="break">{brick}</strong>
          <p>{detail}</p>
          <NextStep text={nextStep} />
        </Note>
      ))}
      <ol class="steps">
        <li><strong>Hold</strong><span>writes of all clients, {pauseText(pauses)}</span><span /></li>
        <li>
          <strong>Make</strong>
          <span>
            a thin snapshot of{" "}
            {readiness.data === undefined ? "each brick" : countText(readiness.data.length, "brick")}
            , of one moment
          </span><span />
        </li>
      </ol>
      <p class="freed">
        It takes no space now; later what is overwritten or deleted in the volume.
      </p>
      {limit === undefined || taken === undefined ? null : (
        <p class="muted">It is number {taken + 1} of {limit} that {volume} may have.</p>
      )}
    </>
  );
}

function pauseText(pauses: readonly number[]): string {
  if (pauses.length === 0) return "for less than a second as a rule";
  return `as the last ${pauses.length === 1 ? "time" : `${pauses.length} times`} for ` +
    `${Math.round(Math.max(...pauses))} ms at the most`;
}
