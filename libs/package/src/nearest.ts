/** Fewest insertions, deletions, replacements and swaps of neighbors that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let least = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + cost);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (before[column - 2] ?? 0) + 1);
      }
      current.push(least);
    }
    before = above;
    above = current;
  }
  return above[b.length] ?? 0;
}

const LONGEST = 128;
const MOST_CANDIDATES = 5_000;

/** The known name that was most likely meant; undefined when none is near. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.slice(0, LONGEST).toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let seen = 0;
  for (const candidate of known) {
    if (++seen > MOST_CANDIDATES) break;
    if (Math.abs(candidate.length - wanted.length) >= least) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

const MOST_LISTED = 16;

/** Names for a sentence: `a, b or c`; a long list is cut. */
export function listed(names: Iterable<string>, empty = 'nothing'): string {
  const all = [...names];
  if (all.length === 0) return empty;
  if (all.length > MOST_LISTED) return `${all.slice(0, MOST_LISTED).join(', ')} or ${all.length - MOST_LISTED} more`;
  return all.length === 1 ? String(all[0]) : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}

/** The nearest name, else all of them. */
export function suggestion(name: string, known: Iterable<string>, empty?: string): string {
  const all = [...known];
  return nearest(name, all) ?? listed(all, empty);
}
