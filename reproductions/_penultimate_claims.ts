import {
  accuracyDifference,
  type BenchmarkOutcomes,
  type GapReading,
  type GapShare,
  meanInterval,
  meanRatio,
  type RecoveredShare,
  TOKEN_CLASSES,
  type TokenClass,
} from "../lib/analysis/mod.ts";
import { mean } from "../lib/core/mod.ts";
import type { TextClassShift } from "../lib/experiment/mod.ts";
import { type ClaimResult, intervalVerdict, jointVerdict } from "../lib/report/mod.ts";
import { COUNTS, MOST } from "./_accuracy_claims.ts";
import { endsOf, intervalClaim } from "./_measured.ts";

/** Skip-Attn counts as like the whole vector when their KL is below this share of the vector's own. */
const ALIKE = 0.5;
/** Classes of tokens that the vector is claimed to raise. */
export const RISING_CLASSES: readonly TokenClass[] = ["process word", "structure symbol"];
/** Why a share of the gap is null. */
export const NO_GAP = "Not applicable: the gap between Skip-Attn and the whole vector is not established.";

/** What the claims on the penultimate vector are decided on. */
interface PenultimateReadings {
  /** All heads of a projection together, parts `steer_q` … `unsteer_v`, and single heads. */
  readonly gap: GapReading;
  /** What Skip-Attn keeps of the gain over the last-layer vector. */
  readonly kept: RecoveredShare;
  readonly skipAttn: BenchmarkOutcomes;
  readonly skipLayer: BenchmarkOutcomes;
}

type Share = Pick<RecoveredShare, "percent" | "low" | "high" | "level">;

/** Where a share must lie, on one side of {@link MOST}; open without a gap in the direction that the paper says. */
const most = (side: "above" | "below", why = NO_GAP) => ({
  unit: "%",
  range: { [side]: MOST },
  note: `Holds when the interval lies ${side} ${MOST} %.`,
  why,
});

/** What the gap loses when a projection is left unsteered, in percent of it. */
function lost({ percent, low, high, level }: Share): Share {
  const rest = (value: number | null) => value === null ? null : 100 - value;
  return { percent: rest(percent), low: rest(high), high: rest(low), level };
}

/** The claims of figures 5, 20 and 21 that accuracies decide. */
export function penultimateClaims(readings: PenultimateReadings): readonly ClaimResult[] {
  const { gap, kept, skipAttn, skipLayer } = readings;
  const runs = gap.gap.low > 0 ? gap.runs : [];
  const of = (part: string): Share | null =>
    runs.find((run) => run.part === part && run.head === null)?.share ?? null;
  const valueHeads = runs.filter(({ part, head, share }) =>
    part === "steer_v" && head !== null && share.percent !== null
  );
  const best = valueHeads.reduce<GapShare | null>(
    (most, run) => most === null || run.percent > most.percent ? run : most,
    null,
  );
  const queriesAndKeys = ["q", "k"].flatMap((projection) => {
    const filled = of(`steer_${projection}`), keptOf = of(`unsteer_${projection}`);
    return filled === null || keptOf === null ? [] : [filled, lost(keptOf)];
  });
  const largest = queriesAndKeys.reduce<Share | null>(
    (most, share) => most === null || (share.percent ?? 0) > (most.percent ?? 0) ? share : most,
    null,
  );
  const verdicts = queriesAndKeys.map((share) => intervalVerdict(share, { below: MOST }));
  const through = accuracyDifference(skipAttn, skipLayer);
  return [
    intervalClaim(of("steer_v"), {
      ...most("above"),
      claim: "values_alone_close_the_gap",
      statement: "The vector in the values alone closes the gap between Skip-Attn and the whole vector.",
      name: "share of the gap that all values fill",
    }),
    intervalClaim(best?.share ?? null, {
      ...most("above"),
      claim: "one_value_head_closes_the_gap",
      statement: "One value head alone closes it.",
      name: best === null
        ? "share of the gap that the best value head fills"
        : `share of the gap that value head ${best.head} fills`,
      note:
        `Holds when the interval lies above ${MOST} %. The head is the best of ${valueHeads.length} on the same problems, which favours the claim.`,
    }),
    {
      ...intervalClaim(largest, {
        ...most("below"),
        claim: "queries_and_keys_do_not_matter",
        statement: "What of the vector enters the queries and the keys hardly matters.",
        name: "largest share of the gap that all queries or all keys fill, or take away",
        note:
          `Holds when the intervals of all four shares lie below ${MOST} %, fails when one lies above; the largest is shown.`,
      }),
      holds: largest === null ? null : jointVerdict(verdicts),
    },
    intervalClaim(through, {
      claim: "mlp_and_residual_carry_the_effect",
      statement:
        "Without attention the vector still acts through the last block's MLP: Skip-Attn is above Skip-Layer.",
      name: "Skip-Attn minus Skip-Layer",
      range: { above: COUNTS },
      note: `Holds when the interval lies above ${COUNTS} points, fails when it lies below.`,
    }),
    intervalClaim(kept, {
      ...most(
        "above",
        "Not applicable: what the vector gains over that of the last layer is not established.",
      ),
      claim: "skip_attn_keeps_most_of_the_gain",
      statement: "Skip-Attn keeps most of what the vector gains over that of the last layer.",
      name: "share of the gain that Skip-Attn keeps",
    }),
  ];
}

/** The later shifts of one class, a number per text that has later positions. */
export function laterShifts(classes: readonly TextClassShift[], name: TokenClass): readonly number[] {
  return classes.flatMap(({ later }) => later === null ? [] : [later[name]]);
}

/** Whether the claimed classes rise, and rise more than each of the others; what the verdict rests on. */
export function classClaim(classes: readonly TextClassShift[]): ClaimResult {
  const claim = {
    claim: "process_words_and_structure_symbols_rise",
    statement: "The vector up-weights process words and structure symbols.",
  };
  const name = "smaller of both classes' mean rises after the first position";
  if (classes.every(({ later }) => later === null)) {
    const effect = { name, value: null, unit: "probability" };
    const note = "Not applicable: no answer has a second position.";
    return { ...claim, holds: null, effect, interval: null, note };
  }
  const nets = new Map(TOKEN_CLASSES.map((name) => [name, laterShifts(classes, name)]));
  const others = TOKEN_CLASSES.filter((name) => !RISING_CLASSES.includes(name))
    .sort((a, b) => mean(nets.get(b) as readonly number[]) - mean(nets.get(a) as readonly number[]));
  const next = others[0] as TokenClass, rival = nets.get(next) as readonly number[];
  const readings = RISING_CLASSES.map((name) => {
    const own = nets.get(name) as readonly number[];
    return {
      name,
      rise: meanInterval(own),
      lead: meanInterval(own.map((value, text) => value - (rival[text] as number))),
    };
  });
  const verdicts = readings.flatMap(({ rise, lead }) =>
    [rise, lead].map((interval) => intervalVerdict(interval, { above: 0 }))
  );
  const weaker = readings.reduce((least, reading) => reading.rise.mean < least.rise.mean ? reading : least);
  return {
    ...claim,
    holds: jointVerdict(verdicts),
    effect: { name: `${name} (${weaker.name})`, value: weaker.rise.mean, unit: "probability" },
    interval: endsOf(weaker.rise),
    note:
      `Holds when the intervals of both rises, and of what each exceeds the best other class (${next}) by, lie above 0; ` +
      `leads: ${readings.map(({ name, lead }) => `${name} ${lead.mean.toPrecision(2)}`).join(", ")}.`,
  };
}

/** Whether leaving attention out changes little beside what the vector changes. */
export function alikeClaim(pairs: readonly (readonly [number, number])[]): ClaimResult {
  return intervalClaim(meanRatio(pairs), {
    claim: "skip_attn_is_like_the_whole",
    statement: "Around the last block's attention the vector does almost what it does as a whole.",
    name: "KL(Skip-Attn ‖ whole) over KL(base ‖ whole)",
    unit: "ratio",
    range: { below: ALIKE },
    note: `Holds when the interval lies below ${ALIKE}; the limit is ours.`,
    why: "Not applicable: the vector changes no distribution.",
  });
}
