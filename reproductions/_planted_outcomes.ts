import type { BenchmarkOutcomes } from "../lib/analysis/mod.ts";
import { RandomStream } from "../lib/core/mod.ts";
import { FAMILIES } from "../lib/problems/mod.ts";

/**
 * Evidence of which the answer is known: with a claim's mechanism in it, without it, and with so little in it that
 * nobody could tell.
 */
export const PLANTED_KINDS = ["there", "absent", "weak"] as const;

/** One of the kinds. */
export type PlantedKind = typeof PLANTED_KINDS[number];

/** Which planted evidence is drawn. */
export interface PlantedDraw {
  readonly kind: PlantedKind;
  /** Draws of one kind differ in their random numbers alone. */
  readonly draw: number;
}

/** Random numbers of a draw, for one purpose. */
export function streamOf(
  { kind, draw }: PlantedDraw,
  ...purpose: readonly (string | number)[]
): RandomStream {
  return new RandomStream(draw, "planted", kind, ...purpose);
}

/** Problems of each family, and evaluation seeds: about as many as a study asks, and too few for effects at the line. */
const SIZES = { study: { problems: 24, seeds: 3 }, weak: { problems: 6, seeds: 1 } } as const;

/**
 * Answers of conditions with known accuracies. One number per problem and seed decides for all of them, so that a
 * condition that changes nothing has the answers of the one beside it, as where one sampling seed draws for both. Weak
 * evidence has as many right answers as its accuracies say, each condition on problems of its own.
 */
export function plantedOutcomes<Name extends string>(
  accuracies: { readonly [Condition in Name]: number },
  at: PlantedDraw,
): { readonly [Condition in Name]: BenchmarkOutcomes } {
  const weak = at.kind === "weak", { problems, seeds } = SIZES[weak ? "weak" : "study"];
  const count = FAMILIES.length * seeds * problems;
  const evenly = Array.from({ length: count }, (_, place) => (place + 0.5) / count);
  const conditions = Object.entries<number>(accuracies).map(([name, accuracy]) => {
    const stream = streamOf(at, "answers", ...(weak ? [name] : []));
    const levels = weak ? stream.shuffled(evenly) : evenly.map(() => stream.uniform());
    const answers = levels.map((level) => [level < accuracy ? 1 : 0]);
    const table = FAMILIES.map((family, f) => [
      family,
      [Array.from(
        { length: seeds },
        (_, seed) => answers.slice((f * seeds + seed) * problems, (f * seeds + seed + 1) * problems),
      )],
    ]);
    return [name, Object.fromEntries(table)];
  });
  return Object.fromEntries(conditions);
}
