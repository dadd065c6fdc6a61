/**
 * control-random-reward: vectors trained by the same loop on rewards that a coin decides: what they gain, and what they
 * move.
 *
 * @module
 */
import {
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
  cosineMatrix,
  meanInterval,
  poolShifts,
  type ShiftSample,
} from "../lib/analysis/mod.ts";
import { InputError, mean } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  inTurn,
  type Reproduction,
  type RunName,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { accuracyBars, figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, barOf, pointsMetric, pooled } from "./_accuracy.ts";
import { COUNTS, tuningClaim } from "./_accuracy_claims.ts";
import { cosineMetrics } from "./_beside_trained.ts";
import { intervalClaim, intervalMetric } from "./_measured.ts";
import { seedNote } from "./_single_layer.ts";

const RUNS = { trained: "all", random: "random-all" } as const;
type Kind = keyof typeof RUNS;
const KINDS = ["trained", "random"] as const;

/** The vectors of every training seed of a run, which must have one in each layer. */
async function vectorsOf(zoo: ZooModel, kind: Kind): Promise<readonly (readonly Float32Array[])[]> {
  return (await zoo.trained(RUNS[kind])).map(({ name, steer }: Treatment) =>
    Array.from({ length: zoo.layers }, (_, layer) => {
      const vector = steer?.get(layer);
      if (vector !== undefined) return vector;
      throw new InputError(`the run "${name}" has no vector in layer ${layer}`, {
        where: zoo.entry.vectorsFolder,
        repair: "train it with --layers all",
      });
    })
  );
}

/** Along answers that the steered model wrote: KL from the base model, by text, and how many answers came to an end. */
function readShifts(samples: readonly ShiftSample[], stopTokens: readonly number[]) {
  const { rows, kept } = poolShifts(samples, { stopTokens, truncated: "keep" });
  const texts = [...Map.groupBy(rows, ({ sample }) => sample).values()];
  const { kept: ended } = poolShifts(samples, { stopTokens });
  const kl = meanInterval(texts.map((text) => mean(text.map(({ klNats }) => klNats))));
  return { kl, ended: ended / kept };
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const zoo = await open("a"), sampled = { zoo, decoding: "sampling" } as const;
  const vectors = { trained: await vectorsOf(zoo, "trained"), random: await vectorsOf(zoo, "random") };
  const tuned = await zoo.tuned();
  const [base, trained, random, ...full] = await lab.outcomesOf([
    { ...sampled, run: null },
    { ...sampled, run: RUNS.trained },
    { ...sampled, run: RUNS.random },
    ...tuned.map((zoo) => ({ zoo, run: null, decoding: "sampling" } as const)),
  ]);
  const outcomes = { base, trained, random, full: pooled(full) };
  const stopTokens = zoo.model.config.eosTokenIds;
  const shiftsOf = (run: RunName) => async () =>
    readShifts((await lab.shifts({ zoo, run, follow: [] })).flat(), stopTokens);
  const [ofTrained, ofRandom] = await inTurn([shiftsOf(RUNS.trained), shiftsOf(RUNS.random)]);
  const shifts = { trained: ofTrained, random: ofRandom };
  const norms = (kind: Kind) =>
    Array.from(
      { length: zoo.layers },
      (_, layer) => vectors[kind].map((seed) => Math.hypot(...seed[layer] as Float32Array)),
    );
  /** Of each random seed with each trained one. */
  const cosines = Array.from({ length: zoo.layers }, (_, layer) => {
    const of = (kind: Kind) => vectors[kind].map((seed) => seed[layer] as Float32Array);
    const known = cosineMatrix(of("random"), of("trained")).flat();
    return known.includes(null) ? null : mean(known as readonly number[]);
  });
  const gain = accuracyDifference(random, base), lead = accuracyDifference(trained, random);
  const accuracies = Object.entries(outcomes).map(([name, of]) => [name, accuracyInterval(of)] as const);
  const values: MetricValue[] = [
    ...accuracies.map(([name, accuracy]) => accuracyMetric(`accuracy.${name}`, accuracy, seedNote(accuracy))),
    pointsMetric("gain.random", gain, "Vectors trained on random rewards minus base."),
    pointsMetric("lead.trained", lead, "Vectors trained on right answers minus those."),
    ...KINDS.flatMap((kind): readonly MetricValue[] => {
      const { kl, ended } = shifts[kind];
      return [
        intervalMetric(kl, {
          name: `kl.${kind}`,
          unit: "nats",
          note:
            "KL(base ‖ steered) per answer position, along the steered model's answers; every text has one vote.",
        }),
        { name: `ended.${kind}`, value: ended, unit: "share", note: "Answers that come to an end." },
        ...norms(kind).map((found, layer): MetricValue => ({
          name: `norm.${kind}.layer_${layer}`,
          value: mean(found),
          unit: "length",
          note: `Training seeds: ${found.map((value) => value.toFixed(2)).join(", ")}.`,
        })),
      ];
    }),
    ...cosineMetrics(cosines, "Of both kinds of vectors, mean over pairs of training seeds."),
  ];
  const labels = {
    base: "Base",
    random: "Random\nrewards",
    trained: "Right\nanswers",
    full: "Full\ntuning",
  } as const;
  const shown = new Map(accuracies);
  const spec = figureSpec([
    accuracyBars({
      title: "a  Accuracy",
      series: [{ name: "accuracy" }],
      groups: (["base", "random", "trained", "full"] as const).map((name) => {
        const bar = barOf(shown.get(name) as ReturnType<typeof accuracyInterval>);
        return { label: labels[name], bars: [{ series: "accuracy", ...bar }] };
      }),
      yTitle: "Mean accuracy (%)",
    }),
    layerCurve({
      title: "b  Length of the vectors",
      curves: KINDS.map((kind) => ({
        name: kind === "random" ? "Random rewards" : "Right answers",
        points: norms(kind).map((found, layer) => ({ layer, value: mean(found), runs: found })),
      })),
      yTitle: "Norm",
    }),
  ], {
    title: "Vectors trained on random rewards",
    subtitle: [
      `${zoo.entry.name}, vectors in all layers, the same training but for the reward: +1 or −1 by a coin. τ = 1, mean of six`,
      `families; bars: 95 % bootstrap over problems and seeds. KL from base per position: ${
        shifts.random.kl.mean.toFixed(2)
      } nats (right answers: ${shifts.trained.kl.mean.toFixed(2)}).`,
    ],
    columns: 1,
  });
  return {
    spec,
    values,
    claims: [
      intervalClaim(gain, {
        claim: "random_rewards_gain_nothing",
        statement: "Vectors trained on random rewards gain nothing.",
        name: "random rewards minus base",
        range: { below: COUNTS },
        note: `Holds when the interval lies below ${COUNTS} points, fails when it lies above.`,
      }),
      intervalClaim(lead, {
        claim: "trained_lead_random_rewards",
        statement: "Vectors trained on right answers lie above those trained on random rewards.",
        name: "right answers minus random rewards",
        range: { above: COUNTS },
        note: `Holds when the interval lies above ${COUNTS} points, fails when it lies below.`,
      }),
      tuningClaim({ base, vectors: random, full: outcomes.full as BenchmarkOutcomes }, {
        claim: "random_rewards_recover_most_of_full_tuning",
        statement: "Vectors trained on random rewards recover most of the gain of full tuning (must fail).",
      }),
    ],
  };
}

/** Control: the same training on coin-flip rewards. */
export const controlRandomReward: Reproduction = {
  id: "control-random-reward",
  slug: "random-reward",
  title: "Vectors trained on random rewards",
  itemClass: "review",
  differences: [
    "Not in the paper. Other groups ran it on its model, greedily and for 20 steps, and saw no gain.",
    "Learning rates are those of the ordinary run: AdamW's steps are as long where rewards say nothing.",
  ],
  run,
};
