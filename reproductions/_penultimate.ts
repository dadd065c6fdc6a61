import {
  type AccuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
  detectableDifference,
  type GapShare,
  gapShares,
  recoveredShare,
} from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import type { Bench, Findings, ModelRole, Reproduction, RunName, Treatment } from "../lib/experiment/mod.ts";
import { type LastBlockPatch, lastBlockPatchText } from "../lib/probe/mod.ts";
import type { MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, pointsMetric, separated } from "./_accuracy.ts";
import { intervalMetric } from "./_measured.ts";
import { attentionClaim, type AttentionReading, readAttention } from "./_penultimate_attention.ts";
import { NO_GAP, penultimateClaims } from "./_penultimate_claims.ts";
import { penultimateSpec } from "./_penultimate_panels.ts";
import { headsOf, OUTPUTS, patchOf, PROJECTIONS, type Sweep } from "./_penultimate_sweeps.ts";

/** Which figure is made. */
interface PenultimateFigure extends Pick<Reproduction, "id" | "slug" | "title" | "itemClass"> {
  readonly role: ModelRole;
  readonly decoding: "greedy" | "sampling";
  /** Whether heads' outputs are swept too, on every path. */
  readonly outputs: boolean;
  /** Whether attention weights are compared; they are read along answers at temperature 1. */
  readonly attention: boolean;
  /** Held-out problems of each family, as a multiple of the study's: what a difference of the figure takes to be seen. */
  readonly problems: number;
}

/** The vector of the layer before the last, let into parts of the last block: figures 5, 20 and 21. */
async function penultimateStudy({ lab, open }: Bench, options: PenultimateFigure): Promise<Findings> {
  const { role, decoding, outputs, attention, title } = options;
  const zoo = await open(role);
  const { config } = zoo.model, penultimate = zoo.layers - 2, last = zoo.layers - 1;
  if (penultimate < 0) {
    throw new InputError("a model of one layer has none before the last", {
      where: zoo.entry.modelFolder,
      repair: "use a deeper model",
    });
  }
  // Missing runs are found before the first measurement.
  const [vector] = await zoo.trained(`layer-${penultimate}` as RunName) as [Treatment, ...Treatment[]];
  const [lastVector] = await zoo.trained(`layer-${last}` as RunName) as [Treatment, ...Treatment[]];
  const routed = (lastBlock: LastBlockPatch): Treatment => ({
    ...vector,
    name: `${vector.name} ${lastBlockPatchText(lastBlock)}`,
    lastBlock,
  });
  // Treatments that are asked for together are evaluated side by side; each is kept under its own key.
  const problems = Math.ceil(options.problems * lab.size.problems);
  const measure = async (run: readonly Treatment[], label: string) =>
    separated(await lab.outcomes({ zoo, run, decoding, problems, label }));
  const base = await lab.outcomes({ zoo, run: null, decoding, problems });
  const routes = [vector, lastVector, routed({ mode: "skip_attn" }), routed({ mode: "skip_layer" })];
  const [whole, lastLayer, skipAttn, skipLayer] = await measure(routes, `${vector.name} and its routes`) as [
    BenchmarkOutcomes,
    BenchmarkOutcomes,
    BenchmarkOutcomes,
    BenchmarkOutcomes,
  ];
  const patched = [
    ...PROJECTIONS.map((sweep) => {
      const { name, mode, inverse } = sweep;
      const all = mode === "v" ? { mode: "all_v", inverse } as const : patchOf(sweep, headsOf(sweep, config));
      return { part: name, head: null, treatment: routed(all) };
    }),
    ...[...(outputs ? OUTPUTS : []), ...PROJECTIONS].flatMap((sweep) =>
      headsOf(sweep, config).map((head) => ({
        part: sweep.name,
        head,
        treatment: routed(patchOf(sweep, head)),
      }))
    ),
  ];
  const runs = await measure(
    patched.map(({ treatment }) => treatment),
    `${vector.name} in parts of the last block`,
  );
  const reading: AttentionReading | null = attention ? await readAttention(lab, { zoo, vector }) : null;

  const gap = gapShares({
    floor: skipAttn,
    ceiling: whole,
    runs: patched.map(({ part, head }, turn) => ({ part, head, outcomes: runs[turn] as BenchmarkOutcomes })),
  });
  const kept = recoveredShare({ base: lastLayer, prefix: skipAttn, steered: whole });
  const lines = {
    base,
    penultimate: whole,
    last_layer: lastLayer,
    skip_attn: skipAttn,
    skip_layer: skipLayer,
  };
  const sweeps = new Map([...OUTPUTS, ...PROJECTIONS].map((sweep) => [sweep.name, sweep]));
  const differences = gap.runs.map((run) => pairedDifference(run, sweeps.get(run.part) as Sweep));
  const seen = detectableDifference(differences.filter((_, at) => gap.runs[at]?.head !== null));
  const seedNote = `Training seed: that of ${vector.name}.`;
  const runMetrics = (run: GapShare, at: number): readonly MetricValue[] => {
    const name = `${run.part}_${run.head ?? "all"}.${decoding}`, sweep = sweeps.get(run.part) as Sweep;
    return [
      accuracyMetric(`accuracy.${name}`, run),
      pointsMetric(
        `difference.${name}`,
        differences[at] as AccuracyDifference,
        sweep.adds ? "Minus Skip-Attn." : "Minus the whole vector.",
      ),
      intervalMetric(run.share, { name: `gap_share.${name}`, unit: "%", why: NO_GAP }),
    ];
  };
  const values: MetricValue[] = [
    ...Object.entries(lines).map(([name, outcomes]) =>
      accuracyMetric(
        `accuracy.${name}.${decoding}`,
        accuracyInterval(outcomes),
        name === "base" ? undefined : seedNote,
      )
    ),
    pointsMetric(`gap.${decoding}`, gap.gap, "The whole vector minus Skip-Attn."),
    {
      name: `seen_difference.${decoding}`,
      value: seen,
      unit: "points",
      note: "What four of five such runs would show of one head, by the median interval of the differences.",
    },
    intervalMetric(kept, {
      name: `kept_share.skip_attn.${decoding}`,
      unit: "%",
      why: "Not applicable: what the vector gains over that of the last layer is not established.",
    }),
    ...gap.runs.flatMap(runMetrics),
    ...reading?.values ?? [],
  ];
  const claims = [
    ...penultimateClaims({ gap, kept, skipAttn, skipLayer }),
    ...(reading === null ? [] : [attentionClaim(reading.moved, { base, whole })]),
  ];
  const spec = penultimateSpec({
    title,
    model: zoo.entry.name,
    penultimate,
    decoding,
    problems,
    sweeps: { outputs: outputs ? OUTPUTS : [], projections: PROJECTIONS },
    heads: gap.runs.map(({ part, head }, at) => ({ part, head, ...differences[at] as AccuracyDifference })),
    lines: { whole, lastLayer, skipAttn, skipLayer },
    seen,
  });
  return { spec, values, claims };
}

/** What a run adds to Skip-Attn where the vector is let into a part, and takes from the whole vector where it is kept out. */
function pairedDifference({ aboveFloor, belowCeiling }: GapShare, { adds }: Sweep): AccuracyDifference {
  if (adds) return aboveFloor;
  const { points, low, high, level, shareAbove } = belowCeiling;
  return { points: 0 - points, low: 0 - high, high: 0 - low, level, shareAbove };
}

function penultimateItem(figure: PenultimateFigure): Reproduction {
  const { id, slug, title, itemClass } = figure;
  return { id, slug, title, itemClass, differences, run: (bench) => penultimateStudy(bench, figure) };
}

const differences = [
  "Panels that keep the vector out of one head say so; the published ones are titled like those that let it in.",
  "All queries, all keys and all values together are measured too: the published code has that for values of Llama alone.",
  "Both streams are computed from an untouched residual; the published fused add-and-norm may overwrite it between them.",
  "A share of a gap is null where the gap is not established.",
  "Heads are drawn as paired differences on the same problems and draws; the published panels show accuracies.",
];

/** Fig 5: mean accuracy when s_26 enters a single projection of the last block. */
export const fig05: Reproduction = penultimateItem({
  id: "fig5",
  slug: "penultimate-qkv",
  title: "The penultimate vector in single heads of the last block",
  itemClass: "caption",
  role: "a",
  decoding: "sampling",
  outputs: false,
  attention: true,
  problems: 2,
});

/** Fig 20: heads' outputs, queries, keys and values of the Llama model, at temperature 1. */
export const fig20: Reproduction = penultimateItem({
  id: "fig20",
  slug: "penultimate-heads-b",
  title: "The penultimate vector of model B in parts of the last block",
  itemClass: "code",
  role: "b",
  decoding: "sampling",
  outputs: true,
  attention: true,
  problems: 1.5,
});

/** Fig 21: heads' outputs, queries, keys and values of the Llama model, greedy. */
export const fig21: Reproduction = penultimateItem({
  id: "fig21",
  slug: "penultimate-heads-b-greedy",
  title: "The penultimate vector of model B in parts of the last block, greedy",
  itemClass: "code",
  role: "b",
  decoding: "greedy",
  outputs: true,
  attention: false,
  problems: 4,
});
