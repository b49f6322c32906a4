/**
 * Pages of lists. `limit` bounds a page; `after` is the `next` of the page before. A cursor names the
 * last item that was told, by what it is sorted by: what comes or goes meanwhile neither repeats nor
 * hides another. Without `limit` everything is told, as before there were pages.
 */
import { type Static, Type } from "./schema/schema.ts";

export const PAGE_MAX = 1_000;

export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, description: "items of a page" })),
  after: Type.Optional(
    Type.String({
      minLength: 1, maxLength: 2_048, pattern: "^[A-Za-z0-9_-]+$",
      description: "`next` of the page before",
    }),
  ),
};
export const PageQuery = Type.Object(pageQuery);
export type PageQuery = Static<typeof PageQuery>;

export interface Page<T> {
  readonly items: T[];
  /** Absent: it was the last one. */
  readonly next?: string;
}

/** Places that sort as the list does: numbers, then text. */
type Place = readonly (string | number)[];

/** `placeOf` is unique in the list, and grows along it. Undefined: `after` is no cursor of it. */
export function pageOf<T>(
  sorted: readonly T[], placeOf: (item: T) => Place, { limit, after }: PageQuery,
): Page<T> | undefined {
  const from = after === undefined ? undefined : placeIn(after);
  if (after !== undefined && from === undefined) return undefined;
  const rest = from === undefined ? sorted : sorted.filter((it) => order(placeOf(it), from) > 0);
  const items = limit === undefined ? [...rest] : rest.slice(0, limit);
  const last = items.at(-1);
  if (last === undefined || items.length === rest.length) return { items };
  return { items, next: cursorAt(placeOf(last)) };
}

export function cursorAt(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

export function placeIn(cursor: string): Place | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    const isPlace = Array.isArray(place) && place.length > 0 &&
      place.every((it) => typeof it === "string" || Number.isFinite(it));
    return isPlace ? (place as Place) : undefined;
  } catch {
    return undefined;
  }
}

function order(a: Place, b: Place): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (left === right) continue;
    if (typeof left === "number" && typeof right === "number") return left - right;
    return String(left) < String(right) ? -1 : 1;
  }
  return 0;
}
