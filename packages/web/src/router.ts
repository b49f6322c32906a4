/** The place in the page, in the hash of its address: `#/volumes/v?tab=bricks`. */
import { computed, signal } from "@preact/signals";

export interface Place {
  /** Decoded. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path.split("/").filter((part) => part !== "").map(decoded),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

export function hashOf(path: readonly string[], query: Place["query"] = {}): string {
  const search = new URLSearchParams(query).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search === "" ? "" : `?${search}`}`;
}

/** A hash that somebody mistyped is a place as it stands. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const hash = signal(typeof location === "undefined" ? "" : location.hash);
export const place = computed(() => placeOf(hash.value));

export function watchHash(): void {
  addEventListener("hashchange", () => {
    hash.value = location.hash;
  });
}

export function go(path: readonly string[], query: Place["query"] = {}): void {
  location.hash = hashOf(path, query);
}

/** Another choice at the same place: no new entry of the history, no jump of the focus. */
export function choose(query: Place["query"]): void {
  const to = hashOf(place.value.path, query);
  history.replaceState(null, "", to);
  hash.value = to;
}
