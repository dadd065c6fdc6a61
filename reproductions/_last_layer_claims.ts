import { type BenchmarkOutcomes, meanInterval, recoveredShare, type ShiftRow } from "../lib/analysis/mod.ts";
import { mean } from "../lib/core/mod.ts";
import { type ClaimResult, intervalVerdict, jointVerdict } from "../lib/report/mod.ts";
import { MOST } from "./_accuracy_claims.ts";
import { endsOf, intervalClaim } from "./_measured.ts";

/** A rise of probability that counts; a smaller one is none. The line is ours. */
const RISES = 0.1;
/** A base model that opens with the token this often leaves it nothing to gain. */
const NO_ROOM = 0.9;

/** What the claims on the last layer's vector are decided on. */
export interface LastLayerEvidence {
  /** Every answer position of every steered text; the opener's Δp is the first that is followed. */
  readonly rows: readonly ShiftRow[];
  readonly opener: number;
  /** The opener as texts show it. */
  readonly openerLabel: string;
  /** How often the base model opens with it: one probability per problem. */
  readonly baseOpens: readonly number[];
  readonly base: BenchmarkOutcomes;
  /** The base model with the opener put in. */
  readonly prefix: BenchmarkOutcomes;
  readonly steered: BenchmarkOutcomes;
}

/** Per text: the opener's Δp at the first position, and the largest Δp there minus the mean of it elsewhere. */
export function perText(
  rows: readonly ShiftRow[],
): { readonly opener: readonly number[]; readonly concentration: readonly number[] } {
  const opener: number[] = [], concentration: number[] = [];
  for (const positions of Map.groupBy(rows, ({ sample }) => sample).values()) {
    const first = positions.find((row) => row.position === 0),
      others = positions.filter((row) => row.position > 0);
    if (first === undefined || others.length === 0) continue;
    opener.push(first.followed[0] as number);
    concentration.push(first.maxShift - mean(others.map((row) => row.maxShift)));
  }
  return { opener, concentration };
}

/** Why nothing can be read where the base model already opens with the token; null where it leaves room. */
function noRoom(baseOpens: readonly number[]): string | null {
  const opens = meanInterval(baseOpens);
  return opens.low < NO_ROOM
    ? null
    : `the base model itself opens ${(100 * opens.mean).toFixed(1)} % of its answers with that token`;
}

/** The claims of figures 3 and 19. */
export function lastLayerClaims(evidence: LastLayerEvidence): readonly ClaimResult[] {
  const { rows, opener, openerLabel, baseOpens, base, prefix, steered } = evidence;
  const texts = perText(rows), rise = meanInterval(texts.opener), ahead = meanInterval(texts.concentration);
  const leads = meanInterval(
    rows.filter(({ position }) => position === 0).map(({ maxToken }) => maxToken === opener ? 1 : 0),
  );
  const share = recoveredShare({ base, prefix, steered }), unreadable = noRoom(baseOpens);
  const claims: readonly ClaimResult[] = [
    intervalClaim(ahead, {
      claim: "boost_concentrates_on_first_token",
      statement: "The last-layer vector acts mostly on the first generated token.",
      name: "largest Δp at position 0 minus elsewhere",
      unit: "probability",
      range: { above: RISES },
      note: `Holds when the interval lies above ${RISES}, fails when it lies below.`,
    }),
    {
      claim: "last_layer_boosts_opener",
      statement: `The token it mainly boosts there is the opener ${openerLabel}.`,
      holds: jointVerdict([
        intervalVerdict(rise, { above: RISES }),
        intervalVerdict(leads, { above: 0.5 }),
      ]),
      effect: { name: "mean Δp of the opener at position 0", value: rise.mean, unit: "probability" },
      interval: endsOf(rise),
      note:
        `Holds when the interval lies above ${RISES} and the opener rises most in over half of the texts ` +
        `(${(100 * leads.mean).toFixed(1)} %), fails when either interval lies below.`,
    },
    intervalClaim(share, {
      claim: "opener_recovers_most_of_the_gain",
      statement: "Prefixing the opener recovers most of the last-layer vector's gain (τ = 1).",
      name: "recovered share",
      unit: "%",
      range: { above: MOST },
      note: `Holds when the interval lies above ${MOST} %, fails when it lies below, open otherwise.`,
      why: `Open: ${share.reason}.`,
    }),
  ];
  return unreadable === null ? claims : claims.map((claim) => ({
    ...claim,
    holds: null,
    unreadable,
    note: `Cannot be read: ${unreadable}.`,
  }));
}
