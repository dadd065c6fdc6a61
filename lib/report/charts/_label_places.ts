/**
 * Vertical places of labels so that none overlaps its neighbour: each as near to its wanted place as the others
 * allow. Wanted places and results in pixels; `gap` is the least distance between two, `low` and `high` the ends.
 *
 * Labels that would overlap form a block, placed at the mean of what its members want; blocks that then touch merge.
 */
export function labelPlaces(
  wanted: readonly number[],
  options: { readonly gap: number; readonly low: number; readonly high: number },
): readonly number[] {
  const { gap, low, high } = options;
  const order = wanted.map((_, index) => index).sort((a, b) =>
    (wanted[a] as number) - (wanted[b] as number) || a - b
  );
  // `start` is where the first label of the block wants to be, `members` how many follow at `gap` from each other.
  const blocks: { start: number; members: number[] }[] = [];
  const clamp = (start: number, count: number) => Math.max(low, Math.min(start, high - (count - 1) * gap));
  for (const label of order) {
    let block = { start: clamp(wanted[label] as number, 1), members: [label] };
    for (let before = blocks.at(-1); before !== undefined; before = blocks.at(-1)) {
      if (before.start + before.members.length * gap <= block.start) break;
      const members = [...before.members, ...block.members];
      const start = members.reduce((sum, member, place) => sum + (wanted[member] as number) - place * gap, 0);
      block = { start: clamp(start / members.length, members.length), members };
      blocks.pop();
    }
    blocks.push(block);
  }
  const places = new Array<number>(wanted.length);
  for (const { start, members } of blocks) {
    members.forEach((member, place) => {
      places[member] = start + place * gap;
    });
  }
  return places;
}
