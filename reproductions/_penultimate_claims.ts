import {
  accuracyDifference,
  type BenchmarkOutcomes,
  type GapReading,
  type GapShare,
  type RecoveredShare,
} from "../lib/analysis/mod.ts";
import { type ClaimResult, intervalVerdict } from "../lib/report/mod.ts";

/** Most of a gap, in percent of it. */
const MOST = 50;
/** Why a share of the gap is null. */
export const NO_GAP = "Not applicable: the gap between Skip-Attn and the whole vector is not established.";

/** What the claims on the penultimate vector are decided on. */
export interface PenultimateReadings {
  /** All heads of a projection together, parts `steer_q` … `unsteer_v`, and single heads. */
  readonly gap: GapReading;
  /** What Skip-Attn keeps of the gain over the last-layer vector. */
  readonly kept: RecoveredShare;
  readonly skipAttn: BenchmarkOutcomes;
  readonly skipLayer: BenchmarkOutcomes;
}

type Share = Pick<RecoveredShare, "percent" | "low" | "high" | "level">;

/** A claim on one share; open without a gap in the direction that the paper says. */
function shareClaim(
  words: { readonly claim: string; readonly statement: string; readonly name: string; readonly note: string },
  share: Share | null,
  range: { readonly above?: number; readonly below?: number },
): ClaimResult {
  const { claim, statement, name } = words;
  if (share === null || share.percent === null || share.low === null || share.high === null) {
    const effect = { name, value: null, unit: "%" };
    return { claim, statement, holds: null, effect, interval: null, note: words.note };
  }
  const { percent, low, high, level } = share;
  const limit = range.above === undefined ? `below ${range.below}` : `above ${range.above}`;
  return {
    claim,
    statement,
    holds: intervalVerdict(share, range),
    effect: { name, value: percent, unit: "%" },
    interval: { level, low, high },
    note: `Holds when the interval lies ${limit} %.`,
  };
}

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
    shareClaim(
      {
        claim: "values_alone_close_the_gap",
        statement: "The vector in the values alone closes the gap between Skip-Attn and the whole vector.",
        name: "share of the gap that all values fill",
        note: NO_GAP,
      },
      of("steer_v"),
      { above: MOST },
    ),
    {
      ...shareClaim(
        {
          claim: "one_value_head_closes_the_gap",
          statement: "One value head alone closes it.",
          name: best === null
            ? "share of the gap that the best value head fills"
            : `share of the gap that value head ${best.head} fills`,
          note: NO_GAP,
        },
        best === null ? null : best.share,
        { above: MOST },
      ),
      ...(best === null ? {} : {
        note:
          `Holds when the interval lies above ${MOST} %. The head is the best of ${valueHeads.length} on the same problems, which favours the claim.`,
      }),
    },
    {
      ...shareClaim(
        {
          claim: "queries_and_keys_do_not_matter",
          statement: "What of the vector enters the queries and the keys hardly matters.",
          name: "largest share of the gap that all queries or all keys fill, or take away",
          note: NO_GAP,
        },
        largest,
        { below: MOST },
      ),
      ...(largest === null ? {} : {
        holds: verdicts.includes(false) ? false : verdicts.includes(null) ? null : true,
        note:
          `Holds when the intervals of all four shares lie below ${MOST} %, fails when one lies above; the largest is shown.`,
      }),
    },
    {
      claim: "mlp_and_residual_carry_the_effect",
      statement:
        "Without attention the vector still acts through the last block's MLP: Skip-Attn is above Skip-Layer.",
      holds: intervalVerdict(through, { above: 0 }),
      effect: { name: "Skip-Attn minus Skip-Layer", value: through.points, unit: "points" },
      interval: { level: through.level, low: through.low, high: through.high },
      note: "Holds when the interval lies above 0.",
    },
    shareClaim(
      {
        claim: "skip_attn_keeps_most_of_the_gain",
        statement: "Skip-Attn keeps most of what the vector gains over that of the last layer.",
        name: "share of the gain that Skip-Attn keeps",
        note: "Not applicable: what the vector gains over that of the last layer is not established.",
      },
      kept,
      { above: MOST },
    ),
  ];
}
