/** Metadata contexts: which there are, which a query names, and what they tell of a range. */
import type { NbdContext, NbdExport, NbdExports } from "./export-face.ts";
import { Allocation } from "./layouts.ts";

export const BASE_ALLOCATION = "base:allocation";
/** Enough for an allocation map and a few histories. */
export const CONTEXT_MAX = 16;

/** True for a query in a namespace, as all must be. */
export function isQuery(query: string): boolean {
  return query.indexOf(":") > 0;
}

/** Every context that one of the queries names; all of them without a query. */
export function listContexts(
  exports: NbdExports,
  exported: NbdExport,
  queries: readonly string[],
): readonly string[] {
  const names = [BASE_ALLOCATION, ...exports.contextNames(exported)];
  if (queries.length === 0) return names;
  const exact = new Set(queries);
  const prefixes = queries.filter((query) => query.endsWith(":"));
  return names.filter(
    (name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)),
  );
}

/** One context for each different query that names one exactly; undefined when they are too many. */
export function chooseContexts(
  exports: NbdExports,
  exported: NbdExport,
  queries: readonly string[],
): readonly NbdContext[] | undefined {
  const chosen: NbdContext[] = [];
  for (const query of new Set(queries)) {
    const context =
      query === BASE_ALLOCATION ? baseAllocation(exported) : exports.context(exported, query);
    if (context === undefined) continue;
    if (chosen.length === CONTEXT_MAX) return undefined;
    chosen.push(context);
  }
  return chosen;
}

function baseAllocation(exported: NbdExport): NbdContext {
  return {
    name: BASE_ALLOCATION,
    run: (offset, lengthBytes) => exported.run(offset, lengthBytes),
    positiveState: 0,
    negativeState: Allocation.hole | Allocation.zero,
  };
}
