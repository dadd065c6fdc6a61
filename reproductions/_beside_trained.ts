import {
  type AccuracyDifference,
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
} from "../lib/analysis/mod.ts";
import type { Bench, Treatment, ZooModel } from "../lib/experiment/mod.ts";
import { type ClaimResult, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, barOf, onFirst, pointsMetric, pooled } from "./_accuracy.ts";
import { intervalClaim } from "./_measured.ts";
import { layerRuns } from "./_single_layer.ts";

/** Other vectors in the place of the trained ones, in one layer and in all, and what both reach. */
interface BesideTrained {
  readonly base: BenchmarkOutcomes;
  /** Of the others in all layers, and in one layer each. */
  readonly together: BenchmarkOutcomes;
  readonly alone: readonly BenchmarkOutcomes[];
  /** Problems of each set that all were asked. */
  readonly problems: number;
  /** Accuracies of base, trained and other vectors. */
  readonly accuracies: readonly MetricValue[];
  /** By how much the trained ones lie above the others. */
  readonly leads: readonly MetricValue[];
  readonly leadClaims: readonly ClaimResult[];
  /** Accuracy by layer of both. */
  readonly panel: ReturnType<typeof layerCurve>;
}

/**
 * Accuracies of the trained vectors of a model next to those of others of equal norm: `everywhere` stands in all layers,
 * `single` in one each, every one with its draws.
 */
export async function besideTrained(
  lab: Bench["lab"],
  zoo: ZooModel,
  others: {
    /** In names: `random`. */
    readonly name: string;
    /** In sentences: "random directions". */
    readonly what: string;
    readonly everywhere: readonly Treatment[];
    readonly single: readonly (readonly Treatment[])[];
    /** Of an accuracy. `@default` none */
    readonly note?: (outcomes: BenchmarkOutcomes) => string;
  },
): Promise<BesideTrained> {
  const { name, what, everywhere, single, note } = others,
    title = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const sampled = { zoo, decoding: "sampling" } as const, swept = { problems: lab.size.swept };
  // What other items measure on more problems is read on the first of them.
  const known = await lab.outcomesOf(
    [null, "all" as const, ...layerRuns(zoo)].map((run) => ({ ...sampled, run })),
  );
  const [base, all, ...trained] = known.map((outcomes) => onFirst(outcomes, swept)) as [
    BenchmarkOutcomes,
    BenchmarkOutcomes,
    ...BenchmarkOutcomes[],
  ];
  const [together, ...alone] = await lab.outcomesOf(
    [everywhere, ...single].map((run) => ({ ...sampled, ...swept, run })),
  ) as [BenchmarkOutcomes, ...BenchmarkOutcomes[]];

  const metric = (of: string, outcomes: BenchmarkOutcomes) =>
    accuracyMetric(`accuracy.${name}.${of}`, accuracyInterval(outcomes), note?.(outcomes));
  const curve = (byLayer: readonly BenchmarkOutcomes[]) =>
    byLayer.map((outcomes, layer) => {
      const accuracy = accuracyInterval(outcomes);
      return { layer, ...barOf(accuracy), runs: accuracy.perTrainingSeed };
    });
  const leads: readonly (readonly [key: string, said: string, vectors: string, AccuracyDifference])[] = [
    ["all_layers", "all layers", "Trained vectors in all layers", accuracyDifference(all, together)],
    [
      "single_layers",
      "mean over single layers",
      "Trained vectors in one layer",
      accuracyDifference(pooled(trained), pooled(alone)),
    ],
  ];
  return {
    base,
    together,
    alone,
    ...swept,
    accuracies: [
      accuracyMetric("accuracy.base.sampling", accuracyInterval(base)),
      accuracyMetric("accuracy.all_layers", accuracyInterval(all)),
      metric("all_layers", together),
      ...alone.map((outcomes, layer) => metric(`layer_${layer}`, outcomes)),
    ],
    leads: leads.map(([key, said, , lead]) =>
      pointsMetric(`lead.${key}`, lead, `Trained minus ${name}, ${said}.`)
    ),
    leadClaims: leads.map(([key, said, vectors, lead]) =>
      intervalClaim(lead, {
        claim: `trained_lead_${name}_${key}`,
        statement: `${vectors} lie above ${what} of equal norm.`,
        name: `trained minus ${name}, ${said}`,
        range: { above: 0 },
        note: "Holds when the interval lies above 0.",
      })
    ),
    panel: layerCurve({
      curves: [
        { name: "Trained, one layer", points: curve(trained) },
        { name: `${title}, one layer`, points: curve(alone) },
      ],
      references: [
        { label: "Base", value: accuracyInterval(base).percent },
        { label: "Trained, all layers", value: accuracyInterval(all).percent },
        { label: `${title}, all layers`, value: accuracyInterval(together).percent },
      ],
      yTitle: "Mean accuracy (%)",
    }),
  };
}

/** Cosines by layer of two kinds of vectors. */
export function cosineMetrics(
  cosines: readonly (number | null)[],
  note: string,
): readonly MetricValue[] {
  return cosines.map((value, layer) => ({
    name: `cosine.layer_${layer}`,
    value,
    unit: "cosine",
    note: value === null ? "Not applicable: a vector is zero." : note,
  }));
}
