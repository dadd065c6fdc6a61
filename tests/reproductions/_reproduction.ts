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
  type Treatment,
  type ZooModel,
} from "../../lib/experiment/mod.ts";
import { FAMILIES } from "../../lib/problems/mod.ts";
import { validateSpec } from "../../lib/report/mod.ts";
import { TINY_SIZE } from "../experiment/_tiny_zoo.ts";

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
  const { lab = new Laboratory({ size, seed: 0, store }) } = options;
  return item.run({ lab, open: (role) => Promise.resolve(others[role] ?? a) });
}

/** Problems of each family that a made-up laboratory has answers to: one is 5 %. */
const MADE_UP_PROBLEMS = 20;

/** A laboratory whose accuracies a test makes up: claims can be put to both of their verdicts. */
export class MadeUpLaboratory extends Laboratory {
  readonly #percent: (zoo: ZooModel, treatment: Treatment | null) => number;

  /** `percent` gives the accuracy of a model under one training seed of a condition, in steps of 5 %. */
  constructor(percent: (zoo: ZooModel, treatment: Treatment | null) => number) {
    super({ size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
    this.#percent = percent;
  }

  override async outcomes({ zoo, run, evaluationSeeds = 2 }: Condition): Promise<BenchmarkOutcomes> {
    const treatments = run === null ? [null] : typeof run === "string" ? await zoo.trained(run) : run;
    const table = treatments.map((treatment) => {
      const right = this.#percent(zoo, treatment) / 100 * MADE_UP_PROBLEMS;
      const seed = Array.from({ length: MADE_UP_PROBLEMS }, (_, problem) => [problem < right ? 1 : 0]);
      return Array.from({ length: evaluationSeeds }, () => seed);
    });
    return Object.fromEntries(FAMILIES.map((family) => [family, table]));
  }

  override part(): Laboratory {
    return this;
  }
}

/** The value of a metric, which must be there. */
export function valueOf({ values }: Findings, name: string): number | null {
  const value = values.find((candidate) => candidate.name === name);
  assert(value !== undefined, `no metric ${name} among ${values.map((candidate) => candidate.name)}`);
  return value.value;
}

/** What must hold of every item: names are unique, numbers are numbers, the figure is valid, claims are well formed. */
export function checkFindings({ spec, values, claims }: Findings): void {
  const names = values.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  for (const { name, value, uncertainty, note } of values) {
    assert(value === null || Number.isFinite(value), `${name} is ${value}`);
    assert(value !== null || note !== undefined, `${name} is null without a note`);
    if (uncertainty?.kind === "interval" && value !== null) {
      assert(uncertainty.low <= uncertainty.high, `${name}: ${uncertainty.low} to ${uncertainty.high}`);
    }
  }
  validateSpec(spec);
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
