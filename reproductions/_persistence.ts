import type {
  CosineAverages,
  CosineEstimate,
  Interval,
  PersistenceCell,
  TextInterval,
} from "../lib/analysis/mod.ts";
import { InputError, mean, standardDeviation } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  type ModelRole,
  type Propagation,
  propagation,
  type Reproduction,
} from "../lib/experiment/mod.ts";
import {
  type ClaimResult,
  figureSpec,
  matrixPanels,
  type MetricValue,
  sourceLines,
} from "../lib/report/mod.ts";
import { metricOrNull } from "./_layers.ts";
import { INFERRED_FIGURE } from "./_lens.ts";
import { intervalClaim, intervalOf } from "./_measured.ts";

const AVERAGES: {
  readonly [Average in keyof CosineAverages]: { readonly key: string; readonly title: string };
} = {
  byText: { key: "by_text", title: "Mean over texts" },
  byToken: { key: "by_token", title: "Mean over tokens" },
  ofMeans: { key: "of_means", title: "Cosine of means" },
};
const AVERAGE_NAMES = Object.keys(AVERAGES) as readonly (keyof CosineAverages)[];

const KINDS = {
  toMean: { key: "diff_diff", title: "shift and mean shift" },
  toTarget: { key: "diff_vector", title: "shift and target vector" },
} as const;
const KIND_NAMES = ["toMean", "toTarget"] as const;
type Kind = typeof KIND_NAMES[number];

/** Two-sided 95 % quantile of Student's t with 9 degrees of freedom: standard errors come from ten groups of texts. */
const T_QUANTILE = 2.262;
const LEVEL = 0.95;
/** What "stays high" means; the number is the paper's. */
const STAYS_ABOVE = 0.3;
/** What "about 0" means: less than 4 % of a shift's squared length lies along the vector. */
const ABOUT_ZERO = 0.2;
/** What "1" means: additions to a float32 residual round. */
const ABOUT_ONE = 0.99;

/** One cosine, averaged over training seeds. */
interface Pair {
  readonly source: number;
  readonly read: number;
  readonly value: number | null;
  /** Half the width of the 95 % interval; null where no error is known. */
  readonly half: number | null;
  readonly perSeed: readonly number[];
}

function pooledPair(
  estimates: readonly (CosineEstimate | null | undefined)[],
  at: { readonly source: number; readonly read: number },
): Pair {
  const known = estimates.filter((estimate) => estimate !== null && estimate !== undefined);
  if (known.length < estimates.length || known.length === 0) {
    return { ...at, value: null, half: null, perSeed: [] };
  }
  const perSeed = known.map(({ value }) => value), errors = known.map(({ standardError }) => standardError);
  const value = mean(perSeed);
  if (errors.includes(null)) return { ...at, value, half: null, perSeed };
  // Seeds answer the same problems: their errors over texts do not average out, their own scatter does.
  const count = perSeed.length;
  const scatter = count < 2 ? 0 : standardDeviation(perSeed) ** 2 / (count - 1);
  return { ...at, value, half: T_QUANTILE * Math.sqrt(mean(errors as number[]) ** 2 + scatter), perSeed };
}

/** Pairs i ≤ j of one cosine under one average. */
function pairsOf<Source>(
  found: readonly (readonly Source[])[],
  options: {
    readonly kind: Kind;
    readonly average: keyof CosineAverages;
    readonly cells: (source: Source) => readonly PersistenceCell[];
  },
): readonly Pair[] {
  const { kind, average, cells } = options, layers = found[0]?.length ?? 0;
  return Array.from({ length: layers }, (_, source) =>
    Array.from({ length: layers - source }, (_, step) => {
      const read = source + step;
      const estimates = found.map((seed) =>
        cells(seed[source] as Source).find(({ layer }) => layer === read)?.[kind][average]
      );
      return pooledPair(estimates, { source, read });
    })).flat();
}

/** Pairs with a value, behind the layer of the vector. */
function downstream(pairs: readonly Pair[]): readonly (Pair & { readonly value: number })[] {
  return pairs.filter((pair): pair is Pair & { readonly value: number } =>
    pair.read > pair.source && pair.value !== null
  );
}

function interval({ value, half }: Pair): Interval | null {
  if (value === null || half === null) return null;
  return { level: LEVEL, low: Math.max(-1, value - half), high: Math.min(1, value + half) };
}

/** What is not known. */
const UNKNOWN = { value: null, low: null, high: null, level: LEVEL } as const;

/** The lowest of several cosines; its interval holds it when each one's does. */
function lowest(pairs: readonly Pair[]) {
  const known = pairs.filter(({ value }) => value !== null);
  if (known.length === 0) return { ...UNKNOWN, at: "" };
  const first = known.reduce((a, b) => ((b.value as number) < (a.value as number) ? b : a));
  const intervals = known.flatMap((pair) => interval(pair) ?? []);
  const ends = intervals.length < known.length ? UNKNOWN : {
    level: LEVEL,
    low: Math.min(...intervals.map(({ low }) => low)),
    high: Math.min(...intervals.map(({ high }) => high)),
  };
  return { ...ends, value: first.value, at: `from layer ${first.source}, read at ${first.read}` };
}

/** Mean size of several cosines; their errors are taken to go together, the widest case. */
function meanSize(pairs: readonly (Pair & { readonly value: number })[]): TextInterval {
  if (pairs.length === 0) return UNKNOWN;
  const value = mean(pairs.map((pair) => Math.abs(pair.value)));
  const halves = pairs.map(({ half }) => half);
  if (halves.includes(null)) return { ...UNKNOWN, value };
  const half = mean(halves as number[]);
  return { value, level: LEVEL, low: Math.max(0, value - half), high: Math.min(1, value + half) };
}

const NO_PAIR = "Not applicable: no vector has a layer behind it in which it shifts anything.";

function claims(pairs: Readonly<Record<Kind, readonly Pair[]>>): readonly ClaimResult[] {
  const kept = lowest(downstream(pairs.toMean));
  const aligned = meanSize(downstream(pairs.toTarget));
  const own = lowest(pairs.toTarget.filter(({ source, read }) => source === read));
  const common = { unit: "cosine", why: NO_PAIR };
  return [
    intervalClaim(kept, {
      ...common,
      claim: "shift_keeps_direction",
      statement: "The per-token shift stays aligned with its mean in all later layers: cosine above 0.3.",
      name: "lowest downstream cosine of shift and mean shift",
      range: { above: STAYS_ABOVE },
      note: `Lowest ${kept.at}. Holds when the lower ends of all intervals lie above ${STAYS_ABOVE}.`,
    }),
    intervalClaim(aligned, {
      ...common,
      claim: "shift_leaves_target_vector",
      statement: "Away from the diagonal the shift has hardly anything of the later layer's own vector.",
      name: "mean size of the downstream cosine of shift and target vector",
      range: { below: ABOUT_ZERO },
      note:
        `Holds when the interval lies below ${ABOUT_ZERO}: less than 4 % of the squared length. The line is ours.`,
    }),
    intervalClaim(own, {
      ...common,
      claim: "shift_is_vector_at_source",
      statement: "On the diagonal the shift is the vector itself: cosine 1.",
      name: "lowest diagonal cosine of shift and vector",
      range: { above: ABOUT_ONE },
      note: `Holds when the lower ends of all intervals lie above ${ABOUT_ONE}.`,
    }),
  ];
}

/** The claims of figures 2 and 14, by [training seed][source layer] what was read of each vector. */
export function persistenceClaims(
  found: readonly (readonly Pick<Propagation, "cells">[])[],
): readonly ClaimResult[] {
  const of = (kind: Kind) => pairsOf(found, { kind, average: "byText", cells: ({ cells }) => cells });
  return claims({ toMean: of("toMean"), toTarget: of("toTarget") });
}

/** Figures 2 and 14: both cosines of one model under all averages. */
async function persistenceFindings(
  { lab, open, asPublished = false }: Bench,
  options: {
    readonly role: ModelRole;
    readonly title: string;
    /** What is known of the figure's number, as a line under its title. */
    readonly remark?: string;
  },
): Promise<Findings> {
  const zoo = await open(options.role), found = await propagation(lab, zoo);
  const values: MetricValue[] = [], matrices: Record<string, (number | null)[][]> = {};
  const shown: Partial<Record<Kind, readonly Pair[]>> = {};
  for (const kind of KIND_NAMES) {
    for (const average of AVERAGE_NAMES) {
      const pairs = pairsOf(found, { kind, average, cells: ({ cells }) => cells });
      const publishedPairs = pairsOf(found, { kind, average, cells: (source) => source.published.cells });
      // A text's mean is its own mean: one of the published averages has nothing to compare.
      const drawnPairs = asPublished && publishedPairs.some(({ value }) => value !== null)
        ? publishedPairs
        : pairs;
      if (average === "byText") shown[kind] = drawnPairs;
      const name = `${KINDS[kind].key}.${AVERAGES[average].key}`;
      matrices[name] = Array.from({ length: zoo.layers }, (_, source) =>
        Array.from(
          { length: zoo.layers },
          (_, read) => drawnPairs.find((pair) => pair.source === source && pair.read === read)?.value ?? null,
        ));
      for (const pair of pairs) {
        const seeds = pair.perSeed.map((value) => value.toFixed(3)).join(", ");
        values.push(metricOrNull({
          name: `${name}.layer_${pair.source}.layer_${pair.read}`,
          value: pair.value,
          unit: "cosine",
          uncertainty: intervalOf(interval(pair)),
          note: `Training seeds: ${seeds}.`,
        }, "Not applicable: one of the two is zero."));
      }
      const behind = downstream(pairs), size = kind === "toTarget";
      const summary = (pairs: typeof behind, as: string, why: string) =>
        metricOrNull({
          name: `${name}.${size ? "downstream_mean_size" : "downstream_mean"}${as}`,
          value: pairs.length === 0 ? null : mean(pairs.map(({ value }) => size ? Math.abs(value) : value)),
          unit: "cosine",
        }, why);
      values.push(
        summary(behind, "", NO_PAIR),
        summary(
          downstream(publishedPairs),
          ".as_published",
          kind === "toMean" && average === "ofMeans"
            ? "Not applicable: a text's mean is its own mean."
            : NO_PAIR,
        ),
      );
    }
  }
  const cells = shown as Record<Kind, readonly Pair[]>;
  if (cells.toMean.every(({ value }) => value === null)) {
    throw new InputError("no vector of a single layer shifts anything", {
      where: zoo.entry.vectorsFolder,
      repair: "use vectors that are not zero",
    });
  }
  const sources = found.flat();
  values.push(
    { name: "answers.texts", value: sources.reduce((sum, { texts }) => sum + texts, 0), unit: "texts" },
    {
      name: "answers.truncated_texts",
      value: sources.reduce((sum, { truncated }) => sum + truncated, 0),
      unit: "texts",
    },
  );

  const lines = (kind: Kind) =>
    Array.from({ length: zoo.layers }, (_, source) => ({
      source,
      points: cells[kind].filter((pair) => pair.source === source && pair.value !== null).map((pair) => {
        const ends = interval(pair);
        return {
          layer: pair.read,
          value: pair.value as number,
          ...(ends === null ? {} : { band: [ends.low, ends.high] as const }),
        };
      }),
    })).filter(({ points }) => points.length > 0);
  const lineValues = KIND_NAMES.flatMap((kind) =>
    lines(kind).flatMap(({ points }) => points.flatMap(({ value, band = [value, value] }) => [...band]))
  );
  const yExtent = [Math.min(-0.05, ...lineValues) - 0.02, 1.04] as const;
  const spec = figureSpec([
    sourceLines({
      title: "a  Shift and its mean",
      lines: lines("toMean"),
      xTitle: "Target layer",
      yTitle: "cos(shift, mean shift)",
      yExtent,
      references: [{ label: "Claim", value: STAYS_ABOVE }],
      digits: 1,
      width: 330,
    }),
    sourceLines({
      title: "b  Shift and the target layer's vector",
      lines: lines("toTarget"),
      xTitle: "Target layer",
      yTitle: "cos(shift, vector of target layer)",
      yExtent,
      references: [{ label: "Zero", value: 0 }],
      digits: 0,
      width: 330,
    }),
    ...matrixPanels({
      rows: AVERAGE_NAMES.map((average) => ({
        title: AVERAGES[average].title,
        matrices: Object.fromEntries(
          KIND_NAMES.map((kind) => [
            KINDS[kind].title,
            matrices[`${KINDS[kind].key}.${AVERAGES[average].key}`] as (number | null)[][],
          ]),
        ),
      })),
      shown: KIND_NAMES.map((kind) => KINDS[kind].title),
      rowTitle: "Source layer",
      columnTitle: "Target layer",
      barTitle: "Cosine",
      triangle: "upper",
      colours: { high: 1 },
      cell: Math.max(12, Math.floor(240 / zoo.layers)),
    }),
  ], {
    title: options.title,
    subtitle: [
      ...(options.remark === undefined ? [] : [options.remark]),
      `${zoo.entry.name}, one vector at a time, ${found[0]?.[0]?.texts ?? 0} held-out problems, τ = 1, ${
        asPublished ? "prompt and answer" : "answer"
      } positions; ` +
      `mean of ${found.length} training seed${found.length === 1 ? "" : "s"}.`,
      "Lines: mean over texts, one per source layer. Bands: 95 %, jackknife over texts and scatter of seeds.",
    ],
    columns: 2,
  });
  return { spec, values, claims: persistenceClaims(found) };
}

/** What figures 2 and 14 have in common. */
const shared = {
  publishedFault:
    "means count the prompt's positions and leave out the last two; each text is compared with its own mean.",
  differences: [
    "Positions are those that predict the answer; the published averages count the prompt too and leave the last two positions out (*.as_published).",
    "A shift is compared with the mean over all texts, as the caption says; the published code takes the mean of its own text (*.as_published).",
    "Differences and cosines are float32 and float64; the published ones are bfloat16, in which a small vector is lost in a large residual.",
    "A shift of zero has no cosine; the published matrices show 0 there and below the diagonal.",
    "Problems are held out; the published ones belong to the training set.",
  ],
};

const fig02Title = "How the shift of one vector lives on in later layers";
/** Fig 2: cosine of the per-token shift with the data-set mean shift and with the target layer's vector. */
export const fig02: Reproduction = {
  id: "fig2",
  slug: "persistence",
  title: fig02Title,
  itemClass: "caption",
  ...shared,
  run: (bench) => persistenceFindings(bench, { role: "a", title: fig02Title }),
};

const fig14Title = "How the shift of one vector lives on in later layers, second model";
/** Fig 14 (inferred): as fig 2, on the second model. */
export const fig14: Reproduction = {
  id: "fig14",
  slug: "persistence-b",
  title: fig14Title,
  itemClass: "inferred",
  ...shared,
  run: (bench) => persistenceFindings(bench, { role: "b", title: fig14Title, remark: INFERRED_FIGURE }),
};
