import {
  type AccuracyInterval,
  accuracyInterval,
  type BenchmarkOutcomes,
  type GapShare,
  gapShares,
  recoveredShare,
} from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import type { Bench, Findings, ModelRole, RunName, Treatment } from "../lib/experiment/mod.ts";
import { type LastBlockPatch, lastBlockPatchText } from "../lib/probe/mod.ts";
import { figureSpec, headPanels, type MetricValue, type Panel } from "../lib/report/mod.ts";
import { accuracyMetric, onFirst, seedBand } from "./_accuracy.ts";
import { attentionClaim, type AttentionReading, readAttention } from "./_penultimate_attention.ts";
import { NO_GAP, penultimateClaims } from "./_penultimate_claims.ts";

/** What is swept over heads, besides projections. */
type Swept = "q" | "k" | "v" | "head";
const PATHS = ["all", "mlp", "residual"] as const;

/** One row of panels: the vector let into one head alone, or kept out of one head alone. */
interface Sweep {
  /** In names of metrics: `steer_v`, `skip_head_mlp`. */
  readonly name: string;
  readonly title: string;
  readonly mode: Swept;
  readonly inverse: boolean;
  readonly path?: typeof PATHS[number];
}

const PROJECTIONS: readonly Sweep[] = [true, false].flatMap((inverse) =>
  (["q", "k", "v"] as const).map((mode) => ({
    name: `${inverse ? "steer" : "unsteer"}_${mode}`,
    title: inverse
      ? `Vector into one ${mode.toUpperCase()} head alone`
      : `Vector kept out of one ${mode.toUpperCase()} head`,
    mode,
    inverse,
  }))
);
const OUTPUTS: readonly Sweep[] = [false, true].flatMap((inverse) =>
  PATHS.map((path) => ({
    name: `${inverse ? "steer" : "skip"}_head${path === "all" ? "" : `_${path}`}`,
    title: `${inverse ? "Steer-Head" : "Skip-Head"}${
      path === "all" ? "" : `, to the ${path === "mlp" ? "MLP" : "residual stream"} only`
    }`,
    mode: "head" as const,
    inverse,
    path,
  }))
);

/** Which figure is made. */
export interface PenultimateStudyOptions {
  readonly role: ModelRole;
  readonly decoding: "greedy" | "sampling";
  /** Whether heads' outputs are swept too, on every path. */
  readonly outputs: boolean;
  /** Whether attention weights are compared; they are read along answers at temperature 1. */
  readonly attention: boolean;
  readonly title: string;
}

function patchOf({ mode, inverse, path }: Sweep, head: number | readonly number[]): LastBlockPatch {
  const common = { head, ...(inverse ? { inverse } : {}) };
  return mode === "head"
    ? { mode, ...common, ...(path === undefined || path === "all" ? {} : { path }) }
    : { mode, ...common };
}

/** The outcomes of one of several treatments. */
function ofTurn(outcomes: BenchmarkOutcomes, turn: number): BenchmarkOutcomes {
  return Object.fromEntries(
    Object.entries(outcomes).map(([name, runs]) => [name, runs.slice(turn, turn + 1)]),
  );
}

function shareMetric(name: string, share: GapShare["share"], note: string): MetricValue {
  const { percent, low, high, level } = share;
  return {
    name,
    value: percent,
    unit: "%",
    ...(low === null || high === null
      ? { note }
      : { uncertainty: { kind: "interval", level, low, high } as const }),
  };
}

/** The vector of the layer before the last, let into parts of the last block: figures 5, 20 and 21. */
export async function penultimateStudy(
  { lab, open }: Bench,
  options: PenultimateStudyOptions,
): Promise<Findings> {
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
  const measure = async (run: readonly Treatment[], problems = lab.size.problems) => {
    const outcomes = await lab.outcomes({ zoo, run, decoding, problems });
    return run.map((_, turn) => ofTurn(outcomes, turn));
  };
  const headsOf = ({ mode }: Sweep) =>
    Array.from(
      { length: mode === "q" || mode === "head" ? config.heads : config.kvHeads },
      (_, head) => head,
    );

  const base = await lab.outcomes({ zoo, run: null, decoding });
  const routes = [vector, lastVector, routed({ mode: "skip_attn" }), routed({ mode: "skip_layer" })];
  const [whole, lastLayer, skipAttn, skipLayer] = await measure(routes) as [
    BenchmarkOutcomes,
    BenchmarkOutcomes,
    BenchmarkOutcomes,
    BenchmarkOutcomes,
  ];
  const together = await measure(PROJECTIONS.map((sweep) => {
    const { mode, inverse } = sweep;
    return routed(mode === "v" ? { mode: "all_v", inverse } : patchOf(sweep, headsOf(sweep)));
  }));
  const swept = { problems: lab.size.swept };
  const single: { readonly sweep: Sweep; readonly byHead: readonly BenchmarkOutcomes[] }[] = [];
  for (const sweep of [...(outputs ? OUTPUTS : []), ...PROJECTIONS]) {
    const treatments = headsOf(sweep).map((head) => routed(patchOf(sweep, head)));
    const byHead = await measure(treatments, swept.problems);
    single.push({ sweep, byHead });
  }
  const reading: AttentionReading | null = attention ? await readAttention(lab, { zoo, vector }) : null;

  const ends = { floor: skipAttn, ceiling: whole };
  const all = gapShares({
    ...ends,
    runs: PROJECTIONS.map(({ name }, turn) => ({
      part: name,
      head: null,
      outcomes: together[turn] as BenchmarkOutcomes,
    })),
  });
  const heads = gapShares({
    floor: onFirst(skipAttn, swept),
    ceiling: onFirst(whole, swept),
    runs: single.flatMap(({ sweep, byHead }) =>
      byHead.map((outcomes, head) => ({ part: sweep.name, head, outcomes }))
    ),
  });
  const kept = recoveredShare({ base: lastLayer, prefix: skipAttn, steered: whole });
  const lines = {
    base,
    penultimate: whole,
    last_layer: lastLayer,
    skip_attn: skipAttn,
    skip_layer: skipLayer,
  };
  const accuracies = Object.fromEntries(
    Object.entries(lines).map(([name, outcomes]) => [name, accuracyInterval(outcomes)]),
  ) as Readonly<Record<keyof typeof lines, AccuracyInterval>>;
  const seedNote = `Training seed: that of ${vector.name}.`,
    headNote = `${swept.problems} problems of each family.`;
  const runMetric = ({ part, head, percent, low, high, share }: GapShare): readonly MetricValue[] => {
    const name = `${part}_${head ?? "all"}.${decoding}`, { level } = share;
    return [
      {
        name: `accuracy.${name}`,
        value: percent,
        unit: "%",
        uncertainty: { kind: "interval", level, low, high },
        ...(head === null ? {} : { note: headNote }),
      },
      shareMetric(`gap_share.${name}`, share, NO_GAP),
    ];
  };
  const values: MetricValue[] = [
    ...Object.entries(accuracies).map(([name, accuracy]) =>
      accuracyMetric(`accuracy.${name}.${decoding}`, accuracy, name === "base" ? undefined : seedNote)
    ),
    {
      name: `gap.${decoding}`,
      value: all.gap.points,
      unit: "points",
      uncertainty: { kind: "interval", level: all.gap.level, low: all.gap.low, high: all.gap.high },
      note: "The whole vector minus Skip-Attn.",
    },
    shareMetric(
      `kept_share.skip_attn.${decoding}`,
      kept,
      "Not applicable: what the vector gains over that of the last layer is not established.",
    ),
    ...all.runs.flatMap(runMetric),
    ...heads.runs.flatMap(runMetric),
    ...reading?.values ?? [],
  ];

  const reference = (label: string, accuracy: AccuracyInterval) => ({
    label,
    value: accuracy.percent,
    ...seedBand(accuracy),
  });
  const subscript = (layer: number) =>
    [...String(layer)].map((digit) => String.fromCodePoint(0x2080 + Number(digit))).join("");
  const references = [
    reference(`s${subscript(penultimate)}`, accuracies.penultimate),
    reference(`s${subscript(last)}`, accuracies.last_layer),
    reference("Skip-Attn", accuracies.skip_attn),
    reference("Skip-Layer", accuracies.skip_layer),
  ];
  let letter = 0;
  const row = (sweeps: readonly Sweep[], extra: readonly { label: string; value: number }[]) =>
    headPanels({
      series: sweeps.map(({ name, title: words }) => ({
        title: `${String.fromCodePoint("a".codePointAt(0) as number + letter++)}  ${words}`,
        heads: heads.runs.filter(({ part }) => part === name).map(({ head, percent, low, high }) => ({
          head: head as number,
          value: percent,
          error: [low, high] as const,
        })),
      })),
      references: [...references, ...extra],
      yTitle: "Mean accuracy (%)",
      width: 230,
      height: 220,
    });
  const allValues = (name: string, label: string) =>
    all.runs.filter(({ part }) => part === name).map(({ percent }) => ({ label, value: percent }));
  const panels: readonly Panel[] = [
    ...(outputs ? [...row(OUTPUTS.slice(0, 3), []), ...row(OUTPUTS.slice(3), [])] : []),
    ...row(PROJECTIONS.slice(0, 3), allValues("steer_v", "All V alone")),
    ...row(PROJECTIONS.slice(3), allValues("unsteer_v", "All but V")),
  ];
  const spec = figureSpec(panels, {
    title,
    subtitle: [
      `${zoo.entry.name}, ${
        decoding === "greedy" ? "greedy" : "τ = 1"
      }, the vector of layer ${penultimate} let into parts of the last block; one training seed.`,
      `Heads: ${swept.problems} problems of each family, bars: 95 % bootstrap. Lines: whole vector, last-layer vector, routes` +
      (decoding === "greedy" ? "." : "; bands: ± std over evaluation seeds."),
    ],
    columns: 3,
  });
  const claims = [
    ...penultimateClaims({ all, heads, kept, skipAttn, skipLayer }),
    ...(reading === null ? [] : [attentionClaim(reading, { base, whole })]),
  ];
  return { spec, values, claims };
}

/** How the study differs from the published one. */
export const PENULTIMATE_DIFFERENCES: readonly string[] = [
  "Panels that keep the vector out of one head say so; the published ones are titled like those that let it in.",
  "All queries, all keys and all values together are measured too: the published code has that for values of Llama alone.",
  "Both streams are computed from an untouched residual; the published fused add-and-norm may overwrite it between them.",
  "A share of a gap is null where the gap is not established.",
];
