/** What came of a command: said once, with what there is to know besides, and gone by itself. */
import { signal } from "@preact/signals";
import { countText } from "./format.ts";
import { Icon } from "./parts/icon.tsx";

interface Toast {
  readonly id: number;
  readonly text: string;
  /** Warnings of it. */
  readonly notes: readonly string[];
}

const SHOWN_MS = 8_000;
/** Notes want to be read. */
const NOTED_MS = 30_000;
const TOASTS_MAX = 3;
const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

export function say(text: string, notes: readonly string[] = []): void {
  const id = nextId;
  nextId += 1;
  toasts.value = [...toasts.value, { id, text, notes }].slice(-TOASTS_MAX);
  setTimeout(() => close(id), notes.length === 0 ? SHOWN_MS : NOTED_MS);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((it) => it.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, notes }) => (
        <div key={id} class={notes.length === 0 ? "toast" : "toast noted"}>
          <div class="break">
            <strong>{text}</strong>
            {notes.length > 0 && (
              <details>
                <summary>{countText(notes.length, "note")}</summary>
                <ul>{notes.map((note) => <li key={note}>{note}</li>)}</ul>
              </details>
            )}
          </div>
          <button type="button" class="button plain icon" onClick={() => close(id)}>
            <Icon name="close" />
            <span class="unseen">Close this message</span>
          </button>
        </div>
      ))}
    </div>
  );
}
