import type { SampleLine } from "../../lib/problems/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { didYouMean } from "../command/did_you_mean.ts";

/** Values named in a message; a file may hold thousands of problems. */
const MOST_NAMED = 20;

/** What samples are chosen by. */
const TRAITS = {
  verdict: ({ correct, reason }: SampleLine) => [
    correct ? "right" : "wrong",
    ...(reason === null ? [] : [reason]),
  ],
  family: ({ suite }: SampleLine) => [suite],
  condition: ({ condition }: SampleLine) => condition === null ? [] : [condition],
  problem: ({ problem }: SampleLine) => [problem],
  seeds: ({ seed }: SampleLine) => [String(seed)],
  finish: ({ finish }: SampleLine) => [finish],
} as const;

/** Name of a trait that samples are chosen by. */
type Trait = keyof typeof TRAITS;

/** Words that are one however they are joined and written: `no-box` is "no box", `math500` is MATH-500. */
function bareWord(text: string): string {
  return text.toLowerCase().replace(/[\s_-]/g, "");
}

/** Chooses samples, and knows of each what it asked for that no sample had. */
export class SampleFilter {
  readonly #wanted: ReadonlyMap<Trait, ReadonlyMap<string, string>>;
  readonly #seen = new Map<Trait, Map<string, string>>();

  /** A trait without values lets every sample through. */
  constructor(wanted: Readonly<Record<Trait, readonly string[]>>) {
    this.#wanted = new Map(
      (Object.keys(TRAITS) as Trait[]).filter((trait) => wanted[trait].length > 0)
        .map((trait) => [trait, new Map(wanted[trait].map((value) => [bareWord(value), value]))]),
    );
  }

  /** Whether a sample has one of the wanted values of each trait. */
  matches(sample: SampleLine): boolean {
    let all = true;
    for (const [trait, values] of this.#wanted) {
      const had = TRAITS[trait](sample);
      const seen = this.#seen.get(trait) ?? new Map<string, string>();
      this.#seen.set(trait, seen);
      for (const value of had) {
        if (seen.size < MOST_NAMED || values.has(bareWord(value))) seen.set(bareWord(value), value);
      }
      all &&= had.some((value) => values.has(bareWord(value)));
    }
    return all;
  }

  /** What was asked for and is in no sample, each with what there is instead. */
  unseen(): InputError[] {
    return [...this.#wanted].flatMap(([trait, values]) => {
      const seen = this.#seen.get(trait) ?? new Map<string, string>();
      const missing = [...values].filter(([bare]) => !seen.has(bare)).map(([, value]) => value);
      if (missing.length === 0) return [];
      const there = [...seen.values()];
      const listed = there.length === 0
        ? "these samples have none"
        : `there are ${there.join(", ")}${there.length >= MOST_NAMED ? ", …" : ""}`;
      return [
        new InputError(`no sample has ${missing.map((value) => `"${value}"`).join(", ")}`, {
          where: `--${trait}`,
          ...didYouMean(missing[0] as string, there, listed),
        }),
      ];
    });
  }
}
