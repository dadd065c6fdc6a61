import type { BenchmarkOutcomes } from "../../lib/analysis/mod.ts";
import {
  type Condition,
  Laboratory,
  ResultStore,
  type Treatment,
  type ZooModel,
} from "../../lib/experiment/mod.ts";
import { FAMILIES } from "../../lib/problems/mod.ts";
import { EMBEDDED, TINY_SIZE } from "../experiment/_tiny_zoo.ts";

/** Problems of each family that a made-up laboratory has answers to: one is 5 %. */
const MADE_UP_PROBLEMS = 20;

/** A laboratory whose accuracies a test makes up: claims can be put to both of their verdicts. */
export class MadeUpLaboratory extends Laboratory {
  readonly #percent: (zoo: ZooModel, treatment: Treatment | null) => number;

  /** `percent` gives the accuracy of a model under one training seed of a condition, in steps of 5 %. */
  constructor(percent: (zoo: ZooModel, treatment: Treatment | null) => number) {
    super({
      asked: EMBEDDED,
      size: { ...TINY_SIZE, swept: MADE_UP_PROBLEMS },
      seed: 0,
      store: new ResultStore(null),
    });
    this.#percent = percent;
  }

  override async outcomes({ zoo, run }: Condition): Promise<BenchmarkOutcomes> {
    const treatments = run === null ? [null] : typeof run === "string" ? await zoo.trained(run) : run;
    const table = treatments.map((treatment) => {
      const right = this.#percent(zoo, treatment) / 100 * MADE_UP_PROBLEMS;
      const seed = Array.from({ length: MADE_UP_PROBLEMS }, (_, problem) => [problem < right ? 1 : 0]);
      return this.seeds.map(() => seed);
    });
    return Object.fromEntries(FAMILIES.map((family) => [family, table]));
  }

  override part(): Laboratory {
    return this;
  }
}
