import { countFirings, type FeatureFrequencies, featureFrequencies } from "../lib/analysis/mod.ts";
import {
  type Bench,
  type FeatureGeneration,
  type FeatureTraces,
  featureTraces,
  type StudyProblem,
  type ZooAutoencoder,
  type ZooModel,
} from "../lib/experiment/mod.ts";

/** Answers per problem and evaluation seed: features are compared within problems, so some must be answered both ways. */
const SAMPLES_PER_SEED = 2;
/** What the first result of an answer stands behind: a sum, or the answer itself. */
const RESULT_MARKS = ["=", "\\boxed"];

/** Traced generations of model A under its all-layer vectors, and what the figures of its DiffSAE read off them. */
export interface FeatureStudy {
  readonly a: ZooModel;
  readonly difference: ZooAutoencoder;
  readonly traces: FeatureTraces;
  readonly problems: readonly StudyProblem[];
  /** Null when all generations are right, or all wrong. */
  readonly frequencies: FeatureFrequencies | null;
  /** The same of the positions before any result, {@link beforeFirstResult}; worked out when it is asked for. */
  readonly early: () => FeatureFrequencies | null;
}

/**
 * What was read of a generation until a first result is written: the sign before it is the last position, since the
 * result itself is not drawn there yet. No slip can have been made by then, so that a feature that goes with right
 * answers here foretells them, where later ones may follow from a slip.
 */
export function beforeFirstResult(
  generation: FeatureGeneration,
  text: (token: number) => string,
): FeatureGeneration {
  const { tokens, indices, values } = generation;
  // The first token is the prompt's last.
  const mark = tokens.findIndex((token, at) =>
    at > 0 && RESULT_MARKS.some((sign) => text(token).includes(sign))
  );
  if (mark < 0) return generation;
  const entries = (mark + 1) * (indices.length / tokens.length);
  return {
    ...generation,
    tokens: tokens.slice(0, mark + 1),
    indices: indices.slice(0, entries),
    values: values.slice(0, entries),
  };
}

/** How many features `frequencies.top` of a study holds at least. */
const RANKED_FEATURES = 256;

/** The study that fig7, fig8 and control-features share. */
export async function featureStudy({ lab, open }: Bench): Promise<FeatureStudy> {
  const a = await open("a"), difference = await a.differenceAutoencoder();
  const problems = lab.unmeasuredProblems(lab.size.traced);
  const samples = SAMPLES_PER_SEED * lab.seeds.length;
  const traces = await featureTraces(lab, { zoo: a, difference, problems, samples });
  const mixed = new Set(traces.generations.map(({ correct }) => correct)).size === 2;
  const { features } = difference.autoencoder;
  const compared = (generations: readonly FeatureGeneration[]): FeatureFrequencies | null => {
    if (!mixed) return null;
    const firings = generations.map(({ indices, values, tokens, correct, problem }) =>
      countFirings({ indices, values }, { tokens: tokens.length, correct, stratum: problem })
    );
    return featureFrequencies(firings, { features, first: Math.min(features, RANKED_FEATURES) });
  };
  const text = (token: number) => a.tokenizer.tokenText(token);
  return {
    a,
    difference,
    traces,
    problems,
    frequencies: lab.reading(a, "features", () => compared(traces.generations)),
    early: () =>
      lab.reading(
        a,
        "features before a result",
        () => compared(traces.generations.map((generation) => beforeFirstResult(generation, text))),
      ),
  };
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
