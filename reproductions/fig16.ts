/**
 * fig16: in which languages the tokens are written that each layer's vector pushes down.
 *
 * @module
 */
import type { LanguageShares, MeanInterval } from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { CATEGORY_COLOURS, figureSpec, type MetricValue, shareBars } from "../lib/report/mod.ts";
import { languageClaim, languageDifferences } from "./_language_claims.ts";
import { groupShares, LANGUAGE_GROUPS, languageStudy, shareMetric } from "./_languages.ts";
import { metricOrNull } from "./_layers.ts";
import { MEAN_SHIFT_FAULT } from "./_lens.ts";

/** Layers that are held against the controls; the paper speaks of all before the last. */
const COMPARED = ["middle_layers", "pre_final_layers"] as const;

/** Colours of the groups, the three of other letters next to each other and the brightest. */
const GROUP_COLOURS = [1, 4, 3, 0, 5, 6, 7].map((place) => CATEGORY_COLOURS[place] as string);

async function run({ lab, open, asPublished = false }: Bench): Promise<Findings> {
  const a = await open("a"), study = await languageStudy(lab, a);
  const { count, suppressed, suppressedShares, randomShare, random, vocabulary, middleShare } = study;
  const last = a.layers - 1, why = study.why;
  const shareOf = (name: string, found: MeanInterval | null): MetricValue => shareMetric(name, found, why);
  const groupValues = (name: string, shares: Readonly<Record<string, number>> | null) =>
    LANGUAGE_GROUPS.map(({ name: group }) =>
      metricOrNull({
        name: `${name}.${group.toLowerCase().replaceAll(/[^a-z]+/g, "_")}`,
        value: shares?.[group] ?? null,
        unit: "share",
      }, why)
    );
  const ofLayer = (layer: number) => {
    const lists = suppressed[layer] ?? null;
    return lists === null ? null : groupShares(lists);
  };
  const values: MetricValue[] = [
    ...suppressedShares.flatMap((found, layer) => [
      shareOf(`suppressed.layer_${layer}.non_english`, found),
      ...groupValues(`suppressed.layer_${layer}`, ofLayer(layer)),
    ]),
    shareOf("suppressed.middle_layers.non_english", middleShare),
    metricOrNull({
      name: "suppressed.middle_layers.non_english.as_published",
      value: study.middleAsPublished,
      unit: "share",
      note: "With the positions of the prompt.",
    }, why),
    ...(["middle_layers", "last_layer"] as const).map((part) =>
      metricOrNull({
        name: `suppressed.${part}.non_english.by_logits`,
        value: study.byLogits[part],
        unit: "share",
        note: "Ranked by the mean change of the logits behind the final norm, in place of the raw cosine.",
      }, why)
    ),
    shareOf("control.random_direction.non_english", randomShare),
    ...groupValues("control.random_direction", groupShares(random)),
    { name: "control.vocabulary.non_english", value: vocabulary.nonEnglish, unit: "share" },
    ...groupValues("control.vocabulary", groupShares([vocabulary])),
    shareOf("suppressed.pre_final_layers.non_english", study.preFinalShare),
    ...COMPARED.flatMap((layers) =>
      languageDifferences(study, layers).map(({ control, found }) =>
        shareOf(`${layers}_over.${control}`, found)
      )
    ),
    { name: "listed_tokens", value: count, unit: "tokens" },
  ];
  const bar = (
    label: string,
    options: { readonly lists: readonly LanguageShares[]; readonly interval?: MeanInterval | null },
  ) => ({
    label,
    shares: groupShares(options.lists),
    ...(options.interval === undefined || options.interval === null
      ? {}
      : { error: [options.interval.low, options.interval.high] as const }),
  });
  const drawnLists = asPublished ? study.suppressedAsPublished : suppressed;
  const intervalOf = (layer: number) => asPublished ? null : suppressedShares[layer] ?? null;
  const layerBars = drawnLists.slice(0, last).flatMap((lists, layer) =>
    lists === null ? [] : [bar(String(layer), { lists, interval: intervalOf(layer) })]
  );
  const lastLists = drawnLists[last] ?? null;
  const bars = [
    ...layerBars,
    ...(lastLists === null ? [] : [bar("Last\nlayer", { lists: lastLists, interval: intervalOf(last) })]),
    bar("Random\ndirection", { lists: random, interval: randomShare }),
    bar("Vocabulary", { lists: [vocabulary] }),
  ];
  const occurs = (name: string) => bars.some(({ shares }) => (shares[name] ?? 0) > 0);
  const categories = LANGUAGE_GROUPS
    .map(({ name }, index) => ({ name, colour: GROUP_COLOURS[index] as string }))
    .filter(({ name }) => occurs(name));
  const drawn = bars.map((bar) => ({
    ...bar,
    shares: Object.fromEntries(Object.entries(bar.shares).filter(([name]) => occurs(name))),
  }));
  const spec = figureSpec([
    shareBars({
      bars: drawn,
      categories,
      ...(layerBars.length > 0
        ? { divideAfter: layerBars.length, parts: [`${count} lowest tokens, by layer`, "Controls"] as const }
        : {}),
      xTitle: "Layer",
    }),
  ], {
    title: "Languages of the tokens that each layer's vector pushes down",
    subtitle: [
      `${a.entry.name}: tokens of the ${count} lowest cosines with the mean shift behind the last block, ${
        study.found[0]?.[0]?.texts ?? 0
      } held-out problems, τ = 1.`,
      "Labels by Unicode script. Error bars: share of non-English tokens, from below; 95 % bootstrap over problems",
      `and training seeds; for random directions of equal norm, where 95 % of ${random.length} lie.`,
    ],
  });
  return { spec, values, claims: COMPARED.map((layers) => languageClaim(study, layers)) };
}

/** Fig 16: shares of languages among the suppressed tokens, with controls. */
export const fig16: Reproduction = {
  id: "fig16",
  slug: "token-language",
  title: "Languages of the tokens that each layer's vector pushes down",
  itemClass: "review",
  publishedFault: MEAN_SHIFT_FAULT,
  differences: [
    "Labels are Unicode scripts, a rule that gives the same label every time; a language model labelled the published tokens.",
    "The last layer, random directions of equal norm and the whole vocabulary are controls; the published figure has none.",
    "Positions are those that predict the answer; the published means count the prompt too (*.as_published).",
    "A small vocabulary lists a tenth of its tokens at most, where the published lists have 50.",
  ],
  run,
};
