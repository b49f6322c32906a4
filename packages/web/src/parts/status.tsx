/** How something is: a picture, a colour, and always the word. */
import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

export type Level = "ok" | "warn" | "bad" | "idle";

export function Status({ level, children }: { level: Level; children: ComponentChildren }) {
  return (
    <span class={`status ${level}`}>
      <Icon name={level} />
      {children}
    </span>
  );
}

export interface NoteProps {
  readonly level: Level;
  readonly children: ComponentChildren;
  readonly alert?: boolean;
}

export function Note({ level, children, alert = false }: NoteProps) {
  return (
    <div class={`note ${level}`} {...(alert ? { role: "alert" as const } : {})}>
      <Icon name={level} />
      {children}
    </div>
  );
}
