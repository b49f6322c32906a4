/** What came of a command, said once and gone by itself; failures stay until they are closed. */
import { signal } from "@preact/signals";
import { Icon } from "./parts/icon.tsx";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const SHOWN_MS = 8_000;
const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

export function say(text: string, isBad = false): void {
  const id = nextId;
  nextId += 1;
  toasts.value = [...toasts.value, { id, text, isBad }].slice(-4);
  if (!isBad) setTimeout(() => close(id), SHOWN_MS);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((it) => it.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, isBad }) => (
        <div key={id} class={`toast ${isBad ? "bad" : "ok"}`}>
          <span class="break">{text}</span>
          <button type="button" class="button plain icon" onClick={() => close(id)}>
            <Icon name="close" />
            <span class="unseen">Close this message</span>
          </button>
        </div>
      ))}
    </div>
  );
}
