/** One file or folder of a snapshot brought back, after what it would do has been counted. */
import type { Answer, FileRestored, SnapshotFile } from "@mortar/api";
import { useEffect, useState } from "preact/hooks";
import { call } from "../call.ts";
import { bytesText, countText } from "../format.ts";
import { ActionDialog } from "../parts/action-dialog.tsx";
import { Notes, ProblemNote } from "../parts/problem-note.tsx";
import type { FilePlace } from "../views/snapshot-files.tsx";

const COUNT_AFTER_MS = 300;

export interface RestoreFileProps {
  readonly of: FilePlace;
  readonly kind: SnapshotFile["kind"];
}

export function RestoreFile({ of, kind }: RestoreFileProps) {
  const { snapshot, volume, path } = of;
  const [target, setTarget] = useState(path);
  const [replaces, setReplaces] = useState(false);
  const body = { path, target: target.trim(), replace: replaces, ...(volume === "" ? {} : { volume }) };
  const counted = useCount(snapshot, body);
  return (
    <ActionDialog
      title={`Restore ${path} into ${volume}`} verb="Restore" isDanger={replaces}
      isReady={counted?.ok === true}
      run={() => call("snapshotFileRestore", { params: { snapshot }, body })}
      done={(it) => `${it.target} is back: ${countOf(it)}.`}
    >
      <label class="field">
        <span>Where to, in the live volume {volume}</span>
        <input
          class="mono" value={target} spellcheck={false}
          onInput={(event) => setTarget(event.currentTarget.value)}
        />
      </label>
      <label class="check">
        <input
          type="checkbox" checked={replaces}
          onChange={(event) => setReplaces(event.currentTarget.checked)}
        />
        <span>Replace files that are there now; what they hold now is lost</span>
      </label>
      {counted === undefined ? <p class="muted" role="status">Counting what this would bring back…</p>
        : counted.ok ? <Count of={counted.result} kind={kind} />
          : <ProblemNote problem={counted.problem} />}
    </ActionDialog>
  );
}

function Count({ of, kind }: { readonly of: FileRestored; readonly kind: SnapshotFile["kind"] }) {
  return (
    <div class="stack tight">
      <ol class="steps">
        <li>
          <strong>Write</strong><span class="break">{countOf(of)} to {of.target}</span>
          <span class="where">{bytesText(of.bytes)}</span>
        </li>
        {of.replaced === 0 ? null : (
          <li>
            <strong class="bad">Replace</strong>
            <span>{countText(of.replaced, "file")} of now</span><span />
          </li>
        )}
      </ol>
      <p class="muted">
        Each file appears whole or not at all, with the owner, mode, times and attributes that it had.
        {kind === "directory" ? " What else is in the folder stays." : ""}
      </p>
      <p class="freed">
        It frees nothing{of.bytes === 0 ? "." : `, and takes up to ${bytesText(of.bytes)} on each copy.`}
      </p>
      <Notes notes={of.skipped} />
    </div>
  );
}

function countOf({ files, directories, links }: FileRestored): string {
  const parts = [
    files === 0 ? "" : countText(files, "file"),
    directories === 0 ? "" : countText(directories, "folder"),
    links === 0 ? "" : countText(links, "symbolic link"),
  ].filter((it) => it !== "");
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

interface CountBody {
  readonly path: string;
  readonly target: string;
  readonly replace: boolean;
}

/** Asked anew when the choice has not changed for a moment. */
function useCount(snapshot: string, body: CountBody): Answer<FileRestored> | undefined {
  const [answer, setAnswer] = useState<Answer<FileRestored> | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    setAnswer(undefined);
    const timer = setTimeout(() => void (async () => {
      try {
        const input = { params: { snapshot }, body: { ...body, dryRun: true } };
        setAnswer(await call("snapshotFileRestore", input, stop.signal));
      } catch {
        // Aborted, or the page says already that nobody answers.
      }
    })(), COUNT_AFTER_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [JSON.stringify([snapshot, body])]);
  return answer;
}
