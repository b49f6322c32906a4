/** Light and dark: what the system prefers, unless the reader chose. */
import { effect, signal } from "@preact/signals";

export type Theme = "light" | "dark";

const KEY = "mortar-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const chosen = localStorage.getItem(KEY);

export const theme = signal<Theme>(
  chosen === "light" || chosen === "dark" ? chosen : prefersDark.matches ? "dark" : "light",
);

export function switchTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, theme.value);
}

export function watchTheme(): void {
  prefersDark.addEventListener("change", ({ matches }) => {
    if (localStorage.getItem(KEY) === null) theme.value = matches ? "dark" : "light";
  });
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}
