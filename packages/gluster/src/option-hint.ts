/**
 * "Did you mean …?" as GlusterFS says it. A name without a dot is compared with what follows the
 * first dot of every known name; a name with a dot first finds the nearest section, then the
 * nearest name in it. Of equally near names the first two in alphabetical order are offered.
 */

export function optionHint(name: string, known: readonly string[]): string {
  const split = known.map((option) => {
    const dot = option.indexOf(".");
    const rest = option.slice(dot + 1);
    return { section: option.slice(0, dot), rest: rest.split(".", 1)[0] ?? rest };
  });
  const dot = name.indexOf(".");
  if (dot < 0) return nearest(name, split.map(({ rest }) => rest)).join(" or ");
  const [section = ""] = nearest(name.slice(0, dot), split.map((option) => option.section));
  const inSection = split.filter((option) => option.section === section);
  const words = nearest(name.slice(dot + 1), inSection.map(({ rest }) => rest));
  return `${section}.${words.join(" or ...")}`;
}

function nearest(word: string, candidates: readonly string[]): string[] {
  const sorted = [...new Set(candidates)].sort();
  if (word === "") return sorted.slice(0, 2);
  const distances = sorted.map((candidate) => editDistance(word, candidate));
  const least = Math.min(...distances);
  return sorted.filter((_, index) => distances[index] === least).slice(0, 2);
}

/** Insertions, deletions and replacements that make one word the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = previous[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[to.length]!;
}
