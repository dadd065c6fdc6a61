/** Least number of insertions, removals, changes and swaps of neighbours that turn one word into the other. */
export function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row.push(Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + change,
        swapped ? at(i - 2, j - 2) + 1 : Infinity,
      ));
    }
  }
  return at(from.length, to.length);
}

/** The candidate a person most likely meant, or undefined when none is near. */
export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) =>
      distance <= Math.max(1, Math.floor(candidate.length / 3)) ||
      (word.length > 1 && candidate.startsWith(word))
    )
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.candidate;
}

/**
 * Refuses options that a function does not have, as a caller without types would pass them.
 *
 * @throws {TypeError} that names the option and what was probably meant.
 */
export function checkOptions(
  options: object,
  of: { readonly known: readonly string[]; readonly action: string },
): void {
  const unknown = Object.keys(options).find((name) => !of.known.includes(name));
  if (unknown === undefined) return;
  const meant = suggestion(unknown.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()), of.known);
  const repair = meant === undefined ? `its options are ${of.known.join(", ")}` : `did you mean "${meant}"?`;
  throw new TypeError(`Cannot ${of.action} as there must be no option "${unknown}": ${repair}`);
}
