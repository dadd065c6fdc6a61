/**
 * table2: steering vectors beside rank-1 adapters and full tuning by the same objective. The number is our assignment.
 *
 * @module
 */
import {
  type AccuracyInterval,
  accuracyInterval,
  type BenchmarkOutcomes,
  recoveredShare,
} from "../lib/analysis/mod.ts";
import {
  type Bench,
  type Findings,
  isFamily,
  type Laboratory,
  type ModelRole,
  type Reproduction,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import {
  accuracyBars,
  FIGURE_COLOURS,
  figureSpec,
  type MetricValue,
  type Panel,
  SERIES_COLOURS,
} from "../lib/report/mod.ts";
import { accuracyMetric, pooled } from "./_accuracy.ts";
import { tuningClaim } from "./_accuracy_claims.ts";
import { intervalMetric } from "./_measured.ts";
import { openEach } from "./_roles.ts";
import { requireRuns, seedNote } from "./_single_layer.ts";

/** What is compared, from nothing to everything trained. */
const CONDITIONS = ["base", "adapter", "vectors", "full"] as const;
type ConditionName = typeof CONDITIONS[number];
const SERIES: Readonly<Record<ConditionName, { readonly name: string; readonly colour: string }>> = {
  base: { name: "Base", colour: FIGURE_COLOURS.base },
  adapter: { name: "Rank-1 adapters", colour: FIGURE_COLOURS.companion },
  vectors: { name: "Steering vectors", colour: FIGURE_COLOURS.subject },
  full: { name: "Full tuning", colour: SERIES_COLOURS[3] as string },
};
type Outcomes = Readonly<Record<ConditionName, BenchmarkOutcomes>> & { readonly greedy: BenchmarkOutcomes };

async function measured(lab: Laboratory, zoo: ZooModel): Promise<Outcomes> {
  const decoding = "sampling";
  const tuned = await zoo.tuned();
  const [base, greedy, adapter, vectors, ...full] = await lab.outcomesOf([
    { zoo, run: null, decoding },
    { zoo, run: null, decoding: "greedy" },
    { zoo, run: "adapter-all", decoding },
    { zoo, run: "all", decoding },
    ...tuned.map((zoo) => ({ zoo, run: null, decoding } as const)),
  ]);
  return { base, greedy, adapter, vectors, full: pooled(full) };
}

function shareMetric(name: string, share: ReturnType<typeof recoveredShare>, note: string): MetricValue {
  return intervalMetric(share, { name, unit: "%", note, why: `Not applicable: ${share.reason}.` });
}

function panelOf(
  zoo: ZooModel,
  accuracies: Readonly<Record<ConditionName, AccuracyInterval>>,
  { letter, sets }: { readonly letter: string; readonly sets: readonly string[] },
): Panel {
  const groups = [...sets, null].map((family) => ({
    label: family === null ? "mean" : family,
    bars: CONDITIONS.map((condition) => {
      const { percent, low, high, perBenchmark } = accuracies[condition];
      return {
        series: SERIES[condition].name,
        ...(family === null
          ? { value: percent, error: [low, high] as const }
          : { value: perBenchmark[family] ?? 0 }),
      };
    }),
  }));
  return accuracyBars({
    title: `${letter}  ${zoo.entry.name}`,
    series: CONDITIONS.map((condition) => SERIES[condition]),
    groups,
    yTitle: "Accuracy (%)",
    height: 220,
  });
}

/** One model: its metrics, its claim and its panel. */
async function study(
  lab: Laboratory,
  model: { readonly zoo: ZooModel; readonly role: ModelRole; readonly asPublished: boolean },
) {
  const { zoo, role, asPublished } = model;
  const outcomes = await measured(lab, zoo);
  const { base, greedy, adapter, vectors, full } = outcomes;
  const accuracies = Object.fromEntries(
    CONDITIONS.map((condition) => [condition, accuracyInterval(outcomes[condition])]),
  ) as Record<ConditionName, AccuracyInterval>;
  const share = recoveredShare({ base, prefix: vectors, steered: full });
  const values: MetricValue[] = [
    ...CONDITIONS.flatMap((condition): MetricValue[] => {
      const accuracy = accuracies[condition];
      return [
        accuracyMetric(`accuracy.${role}.${condition}.mean`, accuracy, seedNote(accuracy)),
        ...lab.asked.sets.map(({ name: family }): MetricValue => ({
          name: `accuracy.${role}.${condition}.${family}`,
          value: accuracy.perBenchmark[family] ?? null,
          unit: "%",
        })),
      ];
    }),
    accuracyMetric(`accuracy.${role}.base_greedy.mean`, accuracyInterval(greedy)),
    shareMetric(`recovered_share.${role}.vectors`, share, "Of the gain of full tuning, base at τ = 1."),
    shareMetric(
      `recovered_share.${role}.adapter`,
      recoveredShare({ base, prefix: adapter, steered: full }),
      "Of the gain of full tuning, base at τ = 1.",
    ),
    shareMetric(
      `recovered_share.${role}.vectors.as_published`,
      recoveredShare({ base: greedy, prefix: vectors, steered: full }),
      "Base greedy, the trained models at τ = 1.",
    ),
  ];
  const drawn = asPublished ? { ...accuracies, base: accuracyInterval(greedy) } : accuracies;
  const claim = tuningClaim(outcomes, {
    claim: `vectors_recover_most_of_full_tuning_${role}`,
    statement: `Steering vectors recover most of the gain of full tuning (${role.replace("_", "-")}).`,
  });
  return { values, drawn, claim };
}

async function run({ lab, asPublished = false, ...bench }: Bench): Promise<Findings> {
  const siblings = bench.roles.filter((role) => role !== "a" && isFamily(role));
  const models = await openEach(bench, ["a", "b", ...siblings]);
  for (const { zoo } of models) {
    zoo.checkPlanned(["full"]);
    await requireRuns(zoo, ["all", "adapter-all"]);
    await zoo.tuned();
  }
  const sets = lab.asked.sets.map(({ name }) => name);
  const studies = [];
  for (const model of models) studies.push(await study(lab, { ...model, asPublished }));
  const panels = studies.map(({ drawn }, index) =>
    panelOf(models[index]?.zoo as ZooModel, drawn, { letter: "abcdefgh"[index] as string, sets })
  );
  const spec = figureSpec(panels, {
    title: "Steering vectors, rank-1 adapters and full tuning by one objective (inferred number)",
    subtitle: [
      `Held-out problems, τ = 1${
        asPublished ? " (base: greedy)" : ""
      }, mean over training and evaluation seeds. Adapters on down_proj of all layers.`,
      "Bars at the mean: 95 % bootstrap over problems and seeds.",
    ],
    columns: 1,
  });
  return {
    spec,
    values: studies.flatMap(({ values }) => values),
    claims: studies.map(({ claim }) => claim),
  };
}

/** Table 2 (inferred number): what each way of training gains, per model and problem family. */
export const table2: Reproduction = {
  id: "table2",
  slug: "steering-vs-tuning",
  title: "Steering vectors, rank-1 adapters and full tuning by one objective (inferred number)",
  itemClass: "inferred",
  publishedFault: "the base model is greedy, the others are at τ = 1.",
  differences: [
    "Base and trained models are decoded alike; the published table has the base model greedy and the others at τ = 1 " +
    "(`recovered_share.*.vectors.as_published`).",
    "The last checkpoint of every run is used; the published one was chosen on the test problems.",
    "Shares carry a paired bootstrap interval and are open where full tuning has no established gain.",
  ],
  run,
};
