/**
 * Places the bricks of a new volume on nodes.
 *
 * Invariants, of what is asked for being possible at all:
 * - No two bricks of a set are on one node; none in one failure domain while there are as many
 *   domains with room as the set has bricks, and else no domain has two more than another one
 *   that still has room.
 * - A brick goes where most is free after what was placed before it; equal places by name, so the
 *   same question has the same answer.
 */

export interface Place {
  readonly node: string;
  /** Failure domain; the node itself unless it was told. */
  readonly domain: string;
  /** How many bytes new bricks can have there. */
  readonly freeBytes: number;
}

export interface Placement {
  readonly setCount: number;
  readonly setSize: number;
  readonly sizeBytes: number;
  /** Although nothing is free: what is there is promised to more than it can hold. */
  readonly force?: boolean;
}

/** Nodes by set; undefined when there is no room, or too few nodes. */
export function placeSets(
  places: readonly Place[],
  { setCount, setSize, sizeBytes, force = false }: Placement,
): string[][] | undefined {
  const free = new Map(places.map((it) => [it.node, it.freeBytes]));
  const sets: string[][] = [];
  for (let number = 0; number < setCount; number += 1) {
    const set: Place[] = [];
    while (set.length < setSize) {
      const next = best(places, set, (it) => free.get(it.node) ?? 0, force ? -Infinity : sizeBytes);
      if (next === undefined) return undefined;
      set.push(next);
      free.set(next.node, (free.get(next.node) ?? 0) - sizeBytes);
    }
    sets.push(set.map((it) => it.node));
  }
  return sets;
}

/** The domain with the fewest bricks of this set first, then what is freest. */
function best(
  places: readonly Place[],
  set: readonly Place[],
  freeOf: (place: Place) => number,
  neededBytes: number,
): Place | undefined {
  const usedIn = (domain: string): number => set.filter((it) => it.domain === domain).length;
  let chosen: Place | undefined;
  for (const place of places) {
    if (set.some((it) => it.node === place.node) || freeOf(place) < neededBytes) continue;
    if (chosen === undefined || isBetter(place, chosen, usedIn, freeOf)) chosen = place;
  }
  return chosen;
}

function isBetter(
  a: Place,
  b: Place,
  usedIn: (domain: string) => number,
  freeOf: (place: Place) => number,
): boolean {
  const byDomain = usedIn(a.domain) - usedIn(b.domain);
  if (byDomain !== 0) return byDomain < 0;
  const byRoom = freeOf(a) - freeOf(b);
  return byRoom === 0 ? a.node < b.node : byRoom > 0;
}
