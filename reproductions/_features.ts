import { countFirings, type FeatureFrequencies, featureFrequencies } from "../lib/analysis/mod.ts";
import {
  type Bench,
  type FeatureGeneration,
  type FeatureTraces,
  featureTraces,
  type ZooAutoencoder,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { FAMILIES, type Problem, testSet } from "../lib/problems/mod.ts";

/** Answers per problem: features are compared within problems, so some must be answered both ways. */
const SAMPLES = 4;

/** Traced generations of base A under its all-layer vectors, and what the figures of its DiffSAE read off them. */
export interface FeatureStudy {
  readonly a: ZooModel;
  readonly difference: ZooAutoencoder;
  readonly traces: FeatureTraces;
  readonly problems: readonly Problem[];
  /** Null when all generations are right, or all wrong. */
  readonly frequencies: FeatureFrequencies | null;
}

/**
 * Held-out problems that accuracies are not measured on: those that come after them in each family. A feature that is
 * chosen on these and ablated on the others owes nothing to the choice.
 */
export function unmeasuredProblems(lab: Bench["lab"]): readonly Problem[] {
  const { traced, problems } = lab.size, perFamily = Math.ceil(traced / FAMILIES.length);
  const skipped = Math.max(problems, perFamily);
  return FAMILIES.flatMap((family) => testSet(family, { size: skipped + perFamily }).slice(skipped))
    .slice(0, traced);
}

/** How many features `frequencies.top` of a study holds at least. */
export const RANKED_FEATURES = 256;

/** The study that fig7, fig8 and control-features share. */
export async function featureStudy({ lab, open }: Bench): Promise<FeatureStudy> {
  const a = await open("a"), difference = await a.differenceAutoencoder();
  const problems = unmeasuredProblems(lab);
  const traces = await featureTraces(lab, { zoo: a, difference, problems, samples: SAMPLES });
  const firings = traces.generations.map(({ indices, values, tokens, correct, problem }) =>
    countFirings({ indices, values }, { tokens: tokens.length, correct, stratum: problem })
  );
  const mixed = new Set(firings.map(({ correct }) => correct)).size === 2;
  const { features } = difference.autoencoder;
  const frequencies = mixed
    ? featureFrequencies(firings, { features, first: Math.min(features, RANKED_FEATURES) })
    : null;
  return { a, difference, traces, problems, frequencies };
}

/** Activation of one feature at each token of a generation. */
export function activationsOf(
  { indices, values, tokens }: FeatureGeneration,
  feature: number,
): readonly number[] {
  const active = indices.length / tokens.length, result = tokens.map(() => 0);
  indices.forEach((index, entry) => {
    if (index === feature) result[Math.floor(entry / active)] = values[entry] as number;
  });
  return result;
}
