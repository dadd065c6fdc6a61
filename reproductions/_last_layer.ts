import {
  accuracyInterval,
  boxStatistics,
  followedSeries,
  groupShifts,
  meanInterval,
  poolShifts,
  recoveredShare,
  shiftShares,
} from "../lib/analysis/mod.ts";
import { InputError, mean } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  inTurn,
  type Laboratory,
  type ModelRole,
  openerChances,
  type Reproduction,
  type RunName,
  setsText,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { accuracyBars, figureSpec, type MetricValue, shiftBoxes, tokenLabel } from "../lib/report/mod.ts";
import { accuracyMetric, barOf } from "./_accuracy.ts";
import { lastLayerClaims, type LastLayerEvidence, perText } from "./_last_layer_claims.ts";
import { intervalMetric } from "./_measured.ts";

const DECODINGS = ["greedy", "sampling"] as const;
const GROUP_TITLES = { greedy: "Greedy", sampling: "Sampling, τ = 1" } as const;
/** Boxes of boosted tokens that the figure shows. */
const SHOWN_TOKENS = 5;

interface Bars {
  readonly values: readonly MetricValue[];
  readonly groups: Parameters<typeof accuracyBars>[0]["groups"];
  readonly sampling: Pick<LastLayerEvidence, "base" | "prefix" | "steered">;
}

async function measureBars(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly run: RunName; readonly series: readonly string[] },
): Promise<Bars> {
  const { zoo } = options;
  const values: MetricValue[] = [];
  const groups: Parameters<typeof accuracyBars>[0]["groups"][number][] = [];
  let sampling: Bars["sampling"] | null = null;
  for (const decoding of DECODINGS) {
    const [base, prefix, steered] = await lab.outcomesOf([
      { zoo, run: null, decoding },
      { zoo, run: null, prefix: zoo.entry.opener, decoding },
      { zoo, run: options.run, decoding },
    ]);
    const accuracies = [base, prefix, steered].map((outcomes) => accuracyInterval(outcomes));
    accuracies.forEach((accuracy, i) =>
      values.push(accuracyMetric(`accuracy.${["base", "prefix", "last_layer"][i]}.${decoding}`, accuracy))
    );
    const share = recoveredShare({ base, prefix, steered });
    values.push(intervalMetric(share, {
      name: `recovered_share.${decoding}`,
      unit: "%",
      why: "Not applicable: the vector's gain over base is not established.",
    }));
    groups.push({
      label: share.percent === null
        ? GROUP_TITLES[decoding]
        : `${GROUP_TITLES[decoding]}\nrecovers ${share.percent.toFixed(1)} %`,
      bars: accuracies.map((accuracy, i) => ({ series: options.series[i] as string, ...barOf(accuracy) })),
    });
    sampling = { base, prefix, steered }; // it comes last and is what the claim is about
  }
  return { values, groups, sampling: sampling as Bars["sampling"] };
}

/** What the last-layer vector of a model boosts, and how much of its gain the opener alone recovers. */
async function lastLayerStudy(
  { lab, open, asPublished = false }: Bench,
  role: ModelRole,
): Promise<Findings> {
  const zoo = await open(role);
  const runName: RunName = `layer-${zoo.layers - 1}`;
  const opener = zoo.tokenizer.tokenId(zoo.entry.opener);
  if (opener === null) {
    throw new InputError(`the opener "${zoo.entry.opener}" is not one token of the model`, {
      where: zoo.entry.modelFolder,
      repair: "use a model whose answers may begin with it",
    });
  }
  // A missing run is found before the first measurement.
  await zoo.trained(runName);
  const openerLabel = tokenLabel(zoo.entry.opener);
  const series = ["Base", `Base + ${openerLabel}`, "Last-layer vector"];
  const bars = await measureBars(lab, { zoo, run: runName, series });

  const [chances, traces] = await inTurn([
    () => openerChances(lab, { zoo, token: opener }),
    () => lab.shifts({ zoo, run: runName, follow: [opener] }),
  ]);
  const stopTokens = zoo.model.config.eosTokenIds;
  // Texts of all training seeds side by side, numbered apart.
  const pooled = poolShifts(traces.flat(), { stopTokens });
  const published = poolShifts(traces.flat(), { stopTokens, asPublished: true });
  const text = (token: number) => tokenLabel(zoo.tokenizer.tokenText(token));
  const top = groupShifts(pooled.rows, { text, first: SHOWN_TOKENS });
  const atOpener = followedSeries(pooled.rows);
  const { opener: openerShifts, concentration } = perText(pooled.rows);
  if (openerShifts.length === 0) {
    throw new InputError(`no steered answer came to an end within ${lab.size.maxNewTokens} tokens`, {
      where: zoo.entry.modelFolder,
      repair: "use a model and vectors whose answers end",
    });
  }
  const openerMean = meanInterval(openerShifts), concentrated = meanInterval(concentration);
  const firstRows = pooled.rows.filter((row) => row.position === 0);
  const openerLeads = firstRows.filter((row) => row.maxToken === opener).length / firstRows.length;
  const opens = meanInterval(chances.map(({ probability }) => probability));
  const shares = shiftShares(pooled.rows, { text });

  const unit = "probability";
  const values: MetricValue[] = [
    ...bars.values,
    intervalMetric(openerMean, { name: "shift.opener.position_0", unit }),
    { name: "shift.opener.elsewhere", value: mean(atOpener.other), unit },
    intervalMetric(concentrated, {
      name: "shift.concentration",
      unit,
      note: "Largest Δp at position 0 minus its mean at the others, per text.",
    }),
    {
      name: "shift.opener_leads_share",
      value: openerLeads,
      unit: "share",
      note: "Texts whose largest rise at position 0 is the opener.",
    },
    intervalMetric(opens, {
      name: "opener.base",
      unit,
      note: "How often the base model opens with it at τ = 1.",
    }),
    {
      name: "opener.base_greedy_share",
      value: chances.filter(({ leads }) => leads).length / chances.length,
      unit: "share",
      note: "Answers that the base model opens with it greedily.",
    },
    { name: "shift.reinforced_share", value: shares.reinforced, unit: "share" },
    { name: "shift.preferred_share", value: shares.preferred, unit: "share" },
    { name: "shift.texts", value: pooled.kept, unit: "texts" },
    { name: "shift.truncated_texts", value: pooled.truncated, unit: "texts" },
    {
      name: "shift.rows_as_published",
      value: published.rows.length - pooled.rows.length,
      unit: "rows",
      note: "Rows read on the stop token, which the published statistics include and these leave out.",
    },
    ...Array.from({ length: SHOWN_TOKENS }, (_, place): MetricValue => {
      const group = top[place], name = `shift.top_${place + 1}.max`;
      const note = group === undefined
        ? "Not applicable: fewer tokens rise most at two or more positions."
        : `${group.label}, ${group.values.length} positions`;
      return { name, value: group?.extreme ?? null, unit, note };
    }),
  ];
  const claims = lastLayerClaims({
    rows: pooled.rows,
    opener,
    openerLabel,
    baseOpens: chances.map(({ probability }) => probability),
    ...bars.sampling,
  });
  const drawn = asPublished ? published : pooled,
    drawnTop = asPublished ? groupShifts(drawn.rows, { text, first: SHOWN_TOKENS }) : top;
  const spec = figureSpec([
    shiftBoxes({
      title: "a  Most boosted tokens, and the opener at the first position",
      boxes: [
        ...drawnTop.map((group) => ({ label: group.label, box: boxStatistics(group.values) })),
        {
          label: `${openerLabel}\nat pos. 0`,
          box: boxStatistics(followedSeries(drawn.rows).first),
          role: "subject" as const,
        },
      ],
      divideAfter: drawnTop.length,
      yTitle: "Change of probability Δp",
    }),
    accuracyBars({
      title: "b  Accuracy with the opener put in",
      series: series.map((name) => ({ name })),
      groups: bars.groups,
      yTitle: "Mean accuracy (%)",
    }),
  ], {
    title: "What the last-layer vector boosts, and what its opener alone recovers",
    subtitle: [
      `${zoo.entry.name}, vector in layer ${
        zoo.layers - 1
      }. Left: ${drawn.kept} answers to held-out problems, τ = 1; the base model opens ${
        (100 * opens.mean).toFixed(0)
      } % with ${openerLabel}.`,
      `Right: mean of ${setsText(lab.asked)}; bars: 95 % bootstrap over problems and seeds.`,
    ],
  });
  return { spec, values, claims };
}

const publishedFault = "statistics include the rows read on the stop token.";
const differences = [
  "Rows read on the stop token are left out; the published statistics include one per text.",
  "Probabilities are float64 softmaxes of float32 logits; the published ones are bfloat16.",
  "Problems are held out; the published ones belong to the training set.",
];

/** Fig 3: the last-layer vector mainly boosts the opener; prefixing the opener gives most of the gain. */
export const fig03: Reproduction = {
  id: "fig3",
  slug: "last-layer",
  title: "What the last-layer vector boosts, and what its opener alone recovers",
  itemClass: "caption",
  publishedFault,
  differences,
  run: (bench) => lastLayerStudy(bench, "a"),
};

/** Fig 19: as Fig 3, for the Llama model and its opener "Step". */
export const fig19: Reproduction = {
  id: "fig19",
  slug: "last-layer-b",
  title: "What the last-layer vector boosts, and what its opener alone recovers, model B",
  itemClass: "code",
  publishedFault,
  differences: [
    ...differences,
    'The opener is put in as "Step"; the published script puts in "To" for every model, so its figure cannot come from it.',
    "A share of a gain that is not established is null; the published greedy numbers would give 900 %.",
  ],
  run: (bench) => lastLayerStudy(bench, "b"),
};
