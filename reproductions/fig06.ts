/**
 * fig6: what the vector of the layer before the last changes token by token, by its route into the last block.
 *
 * @module
 */
import {
  classShifts,
  meanInterval,
  poolShifts,
  ROUTE_PAIRS,
  shiftProfile,
  TOKEN_CLASSES,
  type TokenClass,
  tokenClass,
} from "../lib/analysis/mod.ts";
import { InputError, mean } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  type Reproduction,
  type RouteTrace,
  routeTraces,
  type RunName,
  type Treatment,
} from "../lib/experiment/mod.ts";
import {
  figureSpec,
  type MetricValue,
  type Panel,
  positionLines,
  tokenBars,
  tokenLabel,
} from "../lib/report/mod.ts";
import { metricOrNull } from "./_layers.ts";
import { intervalMetric, intervalOf } from "./_measured.ts";
import { alikeClaim, classClaim, laterShifts, RISING_CLASSES } from "./_penultimate_claims.ts";

/** Tokens that a panel shows. */
const SHOWN_TOKENS = 8;
/** Tokens whose means are metrics. */
const TOP_TOKENS = 5;
/** A position is drawn when this share of the texts reach it. */
const SHOWN_SHARE = 0.1;
/** Width of every plot in pixels. */
const PANEL_WIDTH = 440;
const WHOLE = "base→no_patch", AROUND_ATTENTION = "skip_attn→no_patch";
const ROUTE_TITLES = { no_patch: "whole", skip_attn: "Skip-Attn", skip_layer: "Skip-Layer", base: "base" };

const NO_LATER = "Not applicable: no answer has a second position.";

const metricWord = (words: string) => words.replaceAll(" ", "_").replace("→", "_to_");

function pairTitle(name: string): string {
  const pair = ROUTE_PAIRS.find(({ from, to }) => `${from}→${to}` === name);
  return pair === undefined ? name : `${ROUTE_TITLES[pair.from]} → ${ROUTE_TITLES[pair.to]}`;
}

/** KL of every text: its mean, that at the first position and that at the later ones. */
interface TextKl {
  readonly mean: number;
  readonly first: number;
  readonly later: number | null;
}

function klByText(rows: ReturnType<typeof poolShifts>["rows"]): readonly TextKl[] {
  return [...Map.groupBy(rows, ({ sample }) => sample).values()].map((text) => {
    const values = text.map(({ klNats }) => klNats);
    return {
      mean: mean(values),
      first: values[0] as number,
      later: values.length === 1 ? null : mean(values.slice(1)),
    };
  });
}

/** The tokens that rise most, the strongest first; equal ones by id. */
function risingTokens({ tokens }: Pick<RouteTrace, "tokens">, count: number) {
  return tokens.map((reading, token) => ({ ...reading, token }))
    .sort((a, b) => b.mean - a.mean || a.token - b.token).slice(0, count);
}

function tokenPanel(
  trace: RouteTrace,
  options: {
    readonly title: string;
    readonly text: (token: number) => string;
    readonly categories: readonly TokenClass[];
  },
): Panel {
  const bars = risingTokens(trace, SHOWN_TOKENS).map(({ token, mean, standardError }) => ({
    label: tokenLabel(options.text(token)),
    // In thousandths: most positions leave most tokens alone.
    value: 1000 * mean,
    ...(standardError === null
      ? {}
      : { error: [1000 * (mean - 1.96 * standardError), 1000 * (mean + 1.96 * standardError)] as const }),
    category: tokenClass(options.text(token)),
  }));
  return tokenBars({
    bars,
    categories: options.categories,
    xTitle: "Mean Δp (thousandths)",
    digits: 1,
    title: options.title,
    width: PANEL_WIDTH,
  });
}

async function run({ lab, open, asPublished = false }: Bench): Promise<Findings> {
  const a = await open("a");
  const penultimate = a.layers - 2;
  if (penultimate < 0) {
    throw new InputError("a model of one layer has none before the last", {
      where: a.entry.modelFolder,
      repair: "use a deeper model",
    });
  }
  const [treatment] = await a.trained(`layer-${penultimate}` as RunName) as [Treatment, ...Treatment[]];
  const traces = await routeTraces(lab, { zoo: a, treatment });
  const of = (name: string) => traces.find((trace) => trace.name === name) as RouteTrace;
  const stopTokens = a.model.config.eosTokenIds, text = (token: number) => a.tokenizer.tokenText(token);
  const pool = (options: { readonly asPublished: boolean }) =>
    new Map(
      traces.map(({ name, samples }) =>
        [name, poolShifts(samples, { stopTokens, truncated: "keep", ...options })] as const
      ),
    );
  const pooled = pool({ asPublished: false }), publishedPool = pool({ asPublished: true });
  const kl = new Map([...pooled].map(([name, { rows }]) => [name, klByText(rows)]));
  if (of(WHOLE).classes.length === 0) {
    throw new InputError("no problem was answered", {
      where: a.entry.modelFolder,
      repair: "use another model",
    });
  }

  const klValues = traces.flatMap(({ name }): readonly MetricValue[] => {
    const texts = kl.get(name) as readonly TextKl[], prefix = `kl.${metricWord(name)}`;
    const whole = meanInterval(texts.map((reading) => reading.mean));
    const first = meanInterval(texts.map((reading) => reading.first));
    const later = texts.flatMap((reading) => reading.later === null ? [] : [reading.later]);
    const published = publishedPool.get(name) as ReturnType<typeof poolShifts>;
    return [
      intervalMetric(whole, { name: `${prefix}.mean`, unit: "nats" }),
      intervalMetric(first, { name: `${prefix}.position_0`, unit: "nats" }),
      metricOrNull(
        { name: `${prefix}.later`, value: later.length === 0 ? null : mean(later), unit: "nats" },
        NO_LATER,
      ),
      {
        name: `${prefix}.as_published`,
        value: mean(published.rows.map(({ klNats }) => klNats)),
        unit: "nats",
        note: "Every position one datum, those read on the stop token included.",
      },
    ];
  });
  const classValues = traces.flatMap(({ name, classes }) =>
    TOKEN_CLASSES.flatMap((kind): readonly MetricValue[] => {
      const metric = `class_shift.${metricWord(name)}.${metricWord(kind)}`,
        later = laterShifts(classes, kind);
      const first = meanInterval(classes.map((reading) => reading.first[kind]));
      const after = later.length === 0 ? null : meanInterval(later), unit = "probability";
      return [
        intervalMetric(first, { name: `${metric}.position_0`, unit }),
        intervalMetric(after, { name: `${metric}.later`, unit, why: NO_LATER }),
      ];
    })
  );
  const rising = classShifts(of(WHOLE).tokens.map((reading) => reading.mean), { text });
  const risen = rising.reduce((sum, row) => sum + row.rising, 0);
  const riseValues = rising.map((row): MetricValue => ({
    name: `class_rise.${metricWord(WHOLE)}.${metricWord(row.class)}`,
    value: risen === 0 ? null : row.rising / risen,
    unit: "share",
    note: risen === 0
      ? "Not applicable: no token rises."
      : "Of all that rises on average, token by token; what falls in the same class is not set against it.",
  }));
  const tokenValues = traces.flatMap(({ name, tokens }) =>
    risingTokens({ tokens }, TOP_TOKENS).map(({ token, mean }, place): MetricValue => ({
      name: `shift.top_${place + 1}.${metricWord(name)}`,
      value: mean,
      unit: "probability",
      note: `${tokenLabel(text(token))}, ${tokenClass(text(token))}`,
    }))
  );
  const kept = pooled.get(WHOLE) as ReturnType<typeof poolShifts>;
  const around = kl.get(AROUND_ATTENTION) as readonly TextKl[], all = kl.get(WHOLE) as readonly TextKl[];
  const ratioPairs = around.map((reading, at) => [reading.mean, (all[at] as TextKl).mean] as const);
  const alike = alikeClaim(ratioPairs);
  const values: MetricValue[] = [
    ...klValues,
    {
      name: "kl_ratio.skip_attn",
      value: alike.effect.value,
      unit: "ratio",
      uncertainty: intervalOf(alike.interval),
      note: alike.interval === null
        ? alike.note
        : "KL(Skip-Attn ‖ whole) over KL(base ‖ whole), means over texts.",
    },
    ...classValues,
    ...riseValues,
    ...tokenValues,
    { name: "route.texts", value: kept.kept, unit: "texts" },
  ];

  const least = Math.max(1, SHOWN_SHARE * kept.kept);
  const profiles = traces.map(({ name }) => ({
    name: pairTitle(name),
    points: shiftProfile(((asPublished ? publishedPool : pooled).get(name) as typeof kept).rows)
      .filter(({ texts }) => texts >= least)
      .map(({ key, mean }) => ({ x: key as number, value: mean })),
  }));
  // Equal distributions have no place on a logarithmic axis.
  const logarithmic = profiles.every(({ points }) => points.every(({ value }) => value > 0));
  const wholeClasses = TOKEN_CLASSES.flatMap((kind) => {
    const later = laterShifts(of(WHOLE).classes, kind);
    if (later.length === 0) return [];
    const { mean, low, high } = meanInterval(later);
    return [{
      label: kind,
      // What rounds to nothing has no sign.
      value: Math.abs(mean) < 5e-5 ? 0 : 1000 * mean,
      error: [1000 * low, 1000 * high] as const,
      category: kind,
    }];
  });
  const shownClasses = new Set(
    traces.flatMap((trace) => risingTokens(trace, SHOWN_TOKENS).map(({ token }) => tokenClass(text(token)))),
  );
  const categories = TOKEN_CLASSES.filter((kind) => shownClasses.has(kind));
  const panels = [
    positionLines({
      title: "a  KL along the answer",
      lines: profiles,
      yTitle: "KL (nats)",
      yScale: logarithmic ? "log" : "linear",
      width: PANEL_WIDTH,
    }),
    ...(wholeClasses.length === 0 ? [] : [tokenBars({
      title: `b  Classes of tokens, ${pairTitle(WHOLE)}, after the first position`,
      bars: wholeClasses,
      // The colours of the panels below, where the legend stands; a class that those lack has one of the rest.
      categories: [...categories, ...TOKEN_CLASSES.filter((kind) => !shownClasses.has(kind))],
      legend: "none",
      xTitle: "Sum of mean Δp (thousandths)",
      digits: 1,
      width: PANEL_WIDTH,
      rowHeight: 36,
    })]),
    ...[WHOLE, ...traces.map(({ name }) => name).filter((name) => name !== WHOLE)].map((name, place) =>
      tokenPanel(of(name), {
        title: `${"cdef"[place]}  ${pairTitle(name)}: tokens that rise`,
        text,
        categories,
      })
    ),
  ];
  const spec = figureSpec(panels, {
    title: "What the penultimate vector changes token by token, by its route into the last block",
    subtitle: [
      `${a.entry.name}, vector of layer ${penultimate}, ${kept.kept} answers that the steered model wrote, τ = 1. KL(first ‖ second), Δp = second − first.`,
      `Every text has one vote. Error bars: 95 %, over texts. Claimed to rise: ${RISING_CLASSES.join(", ")}.`,
    ],
    columns: 2,
  });
  return { spec, values, claims: [classClaim(of(WHOLE).classes), alike] };
}

/** Fig 6: KL and probability shifts of the penultimate vector, by route; which of them the figure shows is not known. */
export const fig06: Reproduction = {
  id: "fig6",
  slug: "penultimate-tokens",
  title: "What the penultimate vector changes token by token, by its route into the last block",
  itemClass: "code",
  publishedFault: "every position is one datum, those read on the stop token included.",
  differences: [
    "All four pairs of routes are shown; which of them the published figure shows is not known.",
    "Rows read on the stop token are left out and every text has one vote; the published statistics pool all rows (`*.as_published`).",
    "KL and Δp are float64 on float32 logits; the published ones are stored in bfloat16.",
    "Problems are held out; the published ones belong to the training set.",
    "Classes of tokens are fixed lists and rules of ours.",
  ],
  run,
};
