/**
 * control-openers: what other openers than the boosted one recover of the last-layer vector's gain.
 *
 * @module
 */
import {
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
  poolShifts,
  recoveredShare,
} from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  type Laboratory,
  NotApplicable,
  type Reproduction,
  type RunName,
  setsText,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import {
  type ClaimResult,
  figureSpec,
  type MetricValue,
  type TokenBar,
  tokenBars,
  tokenLabel,
} from "../lib/report/mod.ts";
import { accuracyMetric, barOf } from "./_accuracy.ts";
import { intervalClaim, intervalMetric } from "./_measured.ts";

const DECODINGS = ["sampling", "greedy"] as const;
type Decoding = typeof DECODINGS[number];
/** An opener, and its name in metrics. */
interface Known {
  readonly opener: string;
  readonly name: string;
}

/** Openers that the answers of a model may have. */
function knownOpeners({ entry: { name, openers } }: ZooModel): readonly Known[] {
  if (openers === undefined) throw new NotApplicable(`the profile names no other openers of ${name}`);
  // A command of TeX is called what it says.
  return openers.map((opener) => ({ opener, name: opener.replace(/^\\/, "") }));
}

const NO_GAIN = "Not applicable: the vector's gain over base is not established.";
const CATEGORIES = { reference: "No opener", boosted: "Boosted opener", other: "Other opener" } as const;

interface Measured {
  readonly known: readonly Known[];
  readonly base: BenchmarkOutcomes;
  readonly steered: BenchmarkOutcomes;
  readonly openers: readonly BenchmarkOutcomes[];
}

/** The token that rises most at the first position in the most texts, and the share of texts. */
async function boostedToken(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly run: RunName },
): Promise<{ readonly text: string; readonly share: number }> {
  const { zoo, run } = options;
  const opener = zoo.tokenizer.tokenId(zoo.entry.opener);
  // The same trace as that of the figure on the last layer, so that it is made once.
  const traces = await lab.shifts({ zoo, run, follow: opener === null ? [] : [opener] });
  const { rows } = poolShifts(traces.flat(), { stopTokens: zoo.model.config.eosTokenIds });
  const leads = new Map<number, number>();
  const first = rows.filter(({ position }) => position === 0);
  for (const { maxToken } of first) leads.set(maxToken, (leads.get(maxToken) ?? 0) + 1);
  const [best] = [...leads].sort(([a, x], [b, y]) => y - x || a - b);
  if (best === undefined) {
    throw new InputError(`no steered answer came to an end within ${lab.size.maxNewTokens} tokens`, {
      where: zoo.entry.modelFolder,
      repair: "use a model and vectors whose answers end",
    });
  }
  return { text: zoo.tokenizer.tokenText(best[0]), share: best[1] / first.length };
}

function specialClaim(
  { known, steered, base, openers }: Measured,
  boosted: { readonly text: string },
): ClaimResult {
  const place = known.findIndex(({ opener }) => opener === boosted.text);
  const claim = {
    claim: "boosted_opener_is_special",
    statement: "No other opener helps as much as the one that the last-layer vector boosts (τ = 1).",
    name: "boosted opener minus the best other one",
    range: { above: 0 },
  };
  const gain = accuracyDifference(steered, base);
  if (place < 0 || !(gain.low > 0)) {
    const note = place < 0
      ? `Not applicable: the token that rises most, ${tokenLabel(boosted.text)}, is none of the openers.`
      : NO_GAIN;
    return intervalClaim(null, { ...claim, note });
  }
  const others = known.flatMap(({ opener }, index) =>
    index === place ? [] : [{
      opener,
      difference: accuracyDifference(
        openers[place] as BenchmarkOutcomes,
        openers[index] as BenchmarkOutcomes,
      ),
    }]
  );
  const best = others.reduce((least, other) =>
    other.difference.points < least.difference.points ? other : least
  );
  return intervalClaim(best.difference, {
    ...claim,
    note: `Holds when the interval lies above 0. The best other opener is ${
      tokenLabel(best.opener)
    }, chosen on the same problems, which shrinks the difference.`,
  });
}

function openerValues(measured: Measured, decoding: Decoding): readonly MetricValue[] {
  const { known, base, steered, openers } = measured;
  return [
    accuracyMetric(`accuracy.base.${decoding}`, accuracyInterval(base)),
    accuracyMetric(`accuracy.last_layer.${decoding}`, accuracyInterval(steered)),
    ...known.flatMap(({ name }, place): readonly MetricValue[] => {
      const prefix = openers[place] as BenchmarkOutcomes;
      return [
        accuracyMetric(`accuracy.prefix_${name}.${decoding}`, accuracyInterval(prefix)),
        intervalMetric(recoveredShare({ base, prefix, steered }), {
          name: `recovered_share.prefix_${name}.${decoding}`,
          unit: "%",
          why: NO_GAIN,
        }),
      ];
    }),
  ];
}

/** Accuracies from the best opener to the worst, after those without an opener. */
function accuracyPanel(measured: Measured, options: { readonly title: string; readonly boosted: string }) {
  const bar = (label: string, category: string, outcomes: BenchmarkOutcomes): TokenBar => ({
    label,
    ...barOf(accuracyInterval(outcomes)),
    category,
  });
  const references = [
    bar("Base", CATEGORIES.reference, measured.base),
    bar("Last-layer vector", CATEGORIES.reference, measured.steered),
  ];
  const openers = measured.known.map(({ opener }, place) =>
    bar(
      `Base + ${tokenLabel(opener)}`,
      opener === options.boosted ? CATEGORIES.boosted : CATEGORIES.other,
      measured.openers[place] as BenchmarkOutcomes,
    )
  ).sort((a, b) => b.value - a.value);
  return tokenBars({
    bars: [...references, ...openers],
    divideAfter: references.length,
    categories: Object.values(CATEGORIES),
    xTitle: "Mean accuracy (%)",
    digits: 1,
    title: options.title,
    width: 300,
  });
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const a = await open("a");
  const run: RunName = `layer-${a.layers - 1}`, known = knownOpeners(a);
  // A missing run is found before the first measurement.
  await a.trained(run);
  const measure = async (decoding: Decoding): Promise<Measured> => {
    const unsteered = { zoo: a, run: null, decoding };
    const [base, steered] = await lab.outcomesOf([unsteered, { zoo: a, run, decoding }]);
    const openers = await lab.outcomesOf(
      known.map(({ opener }) => ({ ...unsteered, prefix: opener })),
    );
    return { known, base, steered, openers };
  };
  const sampling = await measure("sampling"), greedy = await measure("greedy");
  const boosted = await boostedToken(lab, { zoo: a, run });
  const values: MetricValue[] = [
    ...openerValues(sampling, "sampling"),
    ...openerValues(greedy, "greedy"),
    {
      name: "boosted.leads_share",
      value: boosted.share,
      unit: "share",
      note: `Texts whose largest rise at position 0 is ${
        tokenLabel(boosted.text)
      }, more than any other token.`,
    },
  ];
  const spec = figureSpec([
    accuracyPanel(sampling, { title: "a  Sampling, τ = 1", boosted: boosted.text }),
    accuracyPanel(greedy, { title: "b  Greedy", boosted: boosted.text }),
  ], {
    title: "What other openers do to the accuracy of the base model",
    subtitle: [
      `${a.entry.name}, every opener that its answers may have. The vector of layer ${a.layers - 1} boosts ${
        tokenLabel(boosted.text)
      } most.`,
      `Mean of ${setsText(lab.asked)}; bars: 95 % bootstrap over problems and seeds.`,
    ],
  });
  return { spec, values, claims: [specialClaim(sampling, boosted)] };
}

/** A control that reviewers asked for: other openers than "To" put after the prompt. */
export const controlOpeners: Reproduction = {
  id: "control-openers",
  slug: "other-openers",
  title: "What other openers do to the accuracy of the base model",
  itemClass: "review",
  differences: ['The paper puts in "To" alone (for Llama "Step"); this control is ours.'],
  run,
};
