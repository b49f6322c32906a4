/** A whole list as a page of it. */
import { pageOf, type PageQuery } from "@mortar/api";
import { problemOfRequest } from "./problem.ts";
import type { Reply } from "./reply.ts";

/** `placeOf` is unique among the items; they are told in its order. */
export function inPages<T>(
  reply: Reply<T[]>, query: PageQuery, placeOf: (item: T) => readonly (string | number)[],
): Reply<T[]> {
  if (!reply.ok || (query.limit === undefined && query.after === undefined)) return reply;
  const keyed = reply.result.map((item) => ({ item, place: placeOf(item) }));
  const page = pageOf(keyed.sort((a, b) => orderOf(a.place, b.place)), ({ place }) => place, query);
  if (page === undefined) return refusedCursor(query.after);
  const result = page.items.map(({ item }) => item);
  return { ...reply, result, ...(page.next === undefined ? {} : { next: page.next }) };
}

function orderOf(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (left === right || right === undefined) continue;
    return left < right ? -1 : 1;
  }
  return 0;
}

export function refusedCursor(after: string | undefined): Reply<never> {
  const problem = problemOfRequest(400, `after: ${after ?? ""} is no cursor of this list`);
  return { ok: false, problem };
}
