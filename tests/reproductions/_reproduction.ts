import { assert, assertEquals } from "@std/assert";
import type { BenchmarkOutcomes } from "../../lib/analysis/mod.ts";
import {
  type Condition,
  type Findings,
  Laboratory,
  type ModelRole,
  type Reproduction,
  ResultStore,
  type StudySize,
  type ZooModel,
} from "../../lib/experiment/mod.ts";
import { EMBEDDED, ROLES, TINY_SIZE } from "../experiment/_tiny_zoo.ts";

/** Runs an item without a store. */
export function findingsOf(
  item: Reproduction,
  options: {
    readonly a: ZooModel;
    /** Models of other roles. @default {model a for every role} */
    readonly others?: { readonly [Role in ModelRole]?: ZooModel };
    readonly size?: StudySize;
    readonly store?: ResultStore;
    /** @default {one of the size and the store} */
    readonly lab?: Laboratory;
  },
): Promise<Findings> {
  const { a, others = {}, size = TINY_SIZE, store = new ResultStore(null) } = options;
  const { lab = new Laboratory({ asked: EMBEDDED, size, seed: 0, store }) } = options;
  return item.run({ lab, roles: ROLES, open: (role) => Promise.resolve(others[role] ?? a) });
}

/** The value of a metric, which must be there. */
export function valueOf({ values }: Findings, name: string): number | null {
  const value = values.find((candidate) => candidate.name === name);
  assert(value !== undefined, `no metric ${name} among ${values.map((candidate) => candidate.name)}`);
  return value.value;
}

/** What must hold of every item: names are unique, numbers are numbers, claims are well formed. */
export function checkFindings({ values, claims }: Findings): void {
  const names = values.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  for (const { name, value, uncertainty, note } of values) {
    assert(value === null || Number.isFinite(value), `${name} is ${value}`);
    assert(value !== null || note !== undefined, `${name} is null without a note`);
    if (uncertainty?.kind === "interval" && value !== null) {
      assert(uncertainty.low <= uncertainty.high, `${name}: ${uncertainty.low} to ${uncertainty.high}`);
    }
  }
  assertEquals(new Set(claims.map(({ claim }) => claim)).size, claims.length);
  for (const { claim, holds, effect, interval } of claims) {
    // A verdict needs an effect; an effect may be left open only where an interval shows that it says too little.
    assertEquals(holds !== null && effect.value === null, false, `${claim}: a verdict needs an effect`);
    assertEquals(
      holds === null && effect.value !== null && interval === null,
      false,
      `${claim}: why is it open?`,
    );
  }
}

/** Problems of a planned condition. */
const PLANNED_PROBLEMS = 60;

/** A laboratory whose accuracies are made up: so many of every ten problems are right in a condition. */
export class PlannedLaboratory extends Laboratory {
  readonly #right: (condition: Condition) => number;

  constructor(options: { readonly size: StudySize; readonly right: (condition: Condition) => number }) {
    super({
      asked: EMBEDDED,
      size: { ...options.size, swept: PLANNED_PROBLEMS },
      seed: 0,
      store: new ResultStore(null),
    });
    this.#right = options.right;
  }

  override outcomes(condition: Condition): Promise<BenchmarkOutcomes> {
    const { run } = condition;
    const treatments = Array.isArray(run) ? run : [run];
    const table = treatments.map((treatment) => {
      const right = this.#right({ ...condition, run: Array.isArray(run) ? [treatment] : run });
      const problems = Array.from(
        { length: PLANNED_PROBLEMS },
        (_, problem) => [problem % 10 < right ? 1 : 0],
      );
      return this.seeds.map(() => problems);
    });
    return Promise.resolve({ planned: table });
  }
}
