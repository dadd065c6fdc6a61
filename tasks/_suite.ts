import { InputError } from "../lib/core/mod.ts";
import { FAMILIES, type FamilyName, type Problem, testSet } from "../lib/problems/mod.ts";
import { suggestion } from "./_parse_flags.ts";

/** A set of problems that gets a row of its own. */
export interface Benchmark {
  readonly name: string;
  readonly problems: readonly Problem[];
}

/** A named list of benchmarks, each cut to the number of problems asked for. */
type Suite = (problems: number) => readonly Benchmark[];

const ofFamily = (family: FamilyName, size: number): Benchmark => ({
  name: family,
  problems: testSet(family, { size }),
});

/** Every suite by name: another benchmark becomes known by a row here. */
const SUITES: ReadonlyMap<string, Suite> = new Map<string, Suite>([
  ["embedded", (problems) => FAMILIES.map((family) => ofFamily(family, problems))],
  ...FAMILIES.map((family) => [family, (problems) => [ofFamily(family, problems)]] as [string, Suite]),
]);

/** Held-out problems that every family has at least. */
export const MOST_PROBLEMS = 700;

/** The benchmarks of a suite. Throws an InputError that lists the known suites for an unknown one. */
export function suiteBenchmarks(name: string, options: { readonly problems: number }): readonly Benchmark[] {
  const suite = SUITES.get(name);
  if (suite === undefined) {
    const known = [...SUITES.keys()], meant = suggestion(name, known);
    throw new InputError(`unknown suite "${name}", known are ${known.join(", ")}`, {
      ...(meant === undefined ? {} : { repair: `did you mean ${meant}?` }),
    });
  }
  return suite(options.problems);
}
