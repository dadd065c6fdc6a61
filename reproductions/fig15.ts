/**
 * fig15: the tokens that the propagated shift of each layer's vector pushes down and up most.
 *
 * @module
 */
import { differenceIntervals, lensTokens, type MeanInterval } from "../lib/analysis/mod.ts";
import { mean } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  propagation,
  type Reproduction,
  type VocabularyLens,
  vocabularyLens,
} from "../lib/experiment/mod.ts";
import {
  type ClaimResult,
  figureSpec,
  type MetricValue,
  type Panel,
  textTable,
  tokenBars,
  tokenLabel,
} from "../lib/report/mod.ts";
import { groupOf, isNamed, LANGUAGE_GROUPS, letteredTokens, listedTokens } from "./_languages.ts";
import { layerRange, metricOrNull, middleLayers } from "./_layers.ts";
import { MEAN_SHIFT_FAULT, readPropagated, type SeedReadings } from "./_lens.ts";
import { intervalClaim, intervalMetric } from "./_measured.ts";

/** Tokens of each end that metrics name, and that panels show. */
const RANKS = 10, SHOWN = 8;
const NO_SHIFT = "Not applicable: the vector shifts nothing.";

const ENDS = [{ side: "bottom", name: "lowest" }, { side: "top", name: "highest" }] as const;

/** Mean cosine of non-English tokens minus that of plain Latin ones with each layer's shift; null without such tokens. */
function contrasts(
  frame: VocabularyLens,
  sources: Parameters<typeof differenceIntervals>[0],
): { readonly layers: readonly (MeanInterval | null)[]; readonly middle: MeanInterval | null } {
  const { nonEnglish, latin } = letteredTokens(frame), count = sources[0]?.length ?? 0;
  const angled = (tokens: readonly number[]) => tokens.some((token) => frame.lens.hasAngle(token));
  if (!angled(nonEnglish) || !angled(latin)) {
    return { layers: Array.from({ length: count }, () => null), middle: null };
  }
  const away = frame.lens.meanUnitRow(nonEnglish), towards = frame.lens.meanUnitRow(latin);
  const axis = away.map((value, index) => value - (towards[index] as number));
  const middle = middleLayers(count);
  const { intervals } = differenceIntervals(sources, (totals) => {
    const found = totals.map((total) => {
      const length = Math.hypot(...total);
      if (length === 0) return null;
      return total.reduce((sum, value, index) => sum + value * (axis[index] as number), 0) / length;
    });
    const inner = middle.map((layer) => found[layer] ?? null);
    return [...found, inner.length === 0 || inner.includes(null) ? null : mean(inner as number[])];
  }, { draws: 1000 });
  return { layers: intervals.slice(0, count), middle: intervals[count] ?? null };
}

function claimOf(middle: MeanInterval | null, layers: readonly number[]): ClaimResult {
  return intervalClaim(middle, {
    claim: "middle_layers_push_non_english_down",
    statement: "The shifts of middle layers point away from non-English tokens.",
    name: "mean cosine of non-English tokens minus that of plain Latin ones, middle layers",
    unit: "cosine",
    range: { below: 0 },
    note: `Layers ${layerRange(layers)}. Holds when the interval lies below 0; fig16 has the controls.`,
    why: "Not applicable: no middle layer, no shift in one of them, or no tokens of other languages.",
  });
}

async function run({ lab, open, asPublished = false }: Bench): Promise<Findings> {
  const a = await open("a"), found = await propagation(lab, a), frame = await vocabularyLens(a);
  const layers = readPropagated(frame.lens, found), named = isNamed(frame), count = listedTokens(frame);
  const { layers: contrast, middle } = contrasts(
    frame,
    found.map((seed) => seed.map(({ finalDifferences }) => finalDifferences)),
  );
  const text = (token: number) => frame.texts[token] as string;
  const list = ({ mean }: SeedReadings, options: { side: "top" | "bottom"; count: number }) =>
    lensTokens(mean, { ...options, eligible: named });
  const values: MetricValue[] = layers.flatMap(({ raw, published }, layer) => [
    ...ENDS.flatMap(({ side, name }) => {
      const tokens = raw === null ? [] : list(raw, { side, count: RANKS });
      return Array.from({ length: RANKS }, (_, rank): MetricValue => {
        const found = tokens[rank];
        const perSeed = found === undefined
          ? []
          : raw?.perSeed.map(({ cosine }) => cosine[found.token] as number) ?? [];
        return metricOrNull({
          name: `layer_${layer}.${name}.rank_${rank + 1}`,
          value: found?.cosine ?? null,
          unit: "cosine",
          uncertainty: perSeed.length < 2 ? undefined : {
            kind: "range",
            over: "training seeds",
            low: Math.min(...perSeed),
            high: Math.max(...perSeed),
          },
          note: found === undefined ? "" : JSON.stringify(text(found.token)),
        }, NO_SHIFT);
      });
    }),
    intervalMetric(contrast[layer] ?? null, {
      name: `layer_${layer}.non_english_contrast`,
      unit: "cosine",
      note: "Mean cosine of non-English tokens minus that of tokens of plain Latin letters.",
      why: "Not applicable: no shift, or no tokens of other languages.",
    }),
    metricOrNull({
      name: `layer_${layer}.lowest.overlap.as_published`,
      value: raw === null || published === null ? null : (() => {
        const ours = new Set(list(raw, { side: "bottom", count }).map(({ token }) => token));
        const theirs = list(published, { side: "bottom", count });
        return theirs.filter(({ token }) => ours.has(token)).length / theirs.length;
      })(),
      unit: "share",
      note: `Of the ${count} lowest tokens by the published positions, those that are among ours.`,
    }, NO_SHIFT),
  ]);
  values.push({ name: "listed_tokens", value: count, unit: "tokens" });
  const drawn = layers.map(({ raw, published }) => asPublished ? published : raw).map((readings) =>
    readings === null ? null : ENDS.map(({ side }) => {
      const tokens = list(readings, { side, count: SHOWN });
      return side === "top" ? tokens.toReversed() : tokens;
    })
  );
  const all = drawn.flatMap((ends) => ends?.flat().map(({ cosine }) => cosine ?? 0) ?? []);
  const lowest = Math.min(0, ...all), highest = Math.max(0, ...all);
  // Room for the numbers at both ends.
  const room = 0.22 * (highest - lowest || 1);
  const used = new Set(
    drawn.flatMap((ends) => ends?.flat().map(({ token }) => groupOf(frame.languages[token] ?? "none")) ?? []),
  );
  const categories = LANGUAGE_GROUPS.map(({ name }) => name).filter((name) => used.has(name));
  const columns = Math.min(3, drawn.length);
  // The legend is wider than a panel: in the last column it moves no other.
  const legendAt = columns - 1;
  const panels = drawn.map((ends, layer): Panel => {
    const title = `Layer ${layer}`;
    const bars = ends?.flat().map(({ token, cosine }) => ({
      label: tokenLabel(text(token), { most: 14 }),
      value: cosine ?? 0,
      category: groupOf(frame.languages[token] ?? "none"),
    })) ?? [];
    if (ends === null || bars.length === 0) {
      return textTable({ title, columns: [{ title: "Tokens" }], rows: [{ cells: [NO_SHIFT] }] });
    }
    const low = ends[0]?.length ?? 0;
    return tokenBars({
      title,
      bars,
      ...(low > 0 && low < bars.length ? { divideAfter: low } : {}),
      categories,
      xTitle: "Cosine with the shift",
      xExtent: [lowest - room, highest + room],
      legend: layer === legendAt ? "top" : "none",
      width: 210,
    });
  });
  const spec = figureSpec(panels, {
    title: "Tokens that each layer's vector pushes down and up most",
    subtitle: [
      `${a.entry.name}: the ${SHOWN} lowest and ${SHOWN} highest cosines of unembedding rows with the mean shift behind the last block,`,
      `at ${asPublished ? "prompt and answer" : "answer"} positions of ${
        found[0]?.[0]?.texts ?? 0
      } held-out problems, τ = 1; mean of ${found.length} training seed${found.length === 1 ? "" : "s"}.`,
    ],
    columns,
    spacing: 30,
  });
  return { spec, values, claims: [claimOf(middle, middleLayers(a.layers))] };
}

/** Fig 15: tokens whose unembedding is most opposed to, and most aligned with, the propagated shift. */
export const fig15: Reproduction = {
  id: "fig15",
  slug: "suppressed-tokens",
  title: "Tokens that each layer's vector pushes down and up most",
  itemClass: "review",
  publishedFault: MEAN_SHIFT_FAULT,
  differences: [
    "Positions are those that predict the answer; the published means count the prompt too (*.as_published).",
    "Rows of the unembedding without a token are left out; the published lists include them.",
    "Cosines are means over training seeds; the published ones are of one run.",
    "The contrast of non-English and plain Latin tokens is ours.",
  ],
  run,
};
