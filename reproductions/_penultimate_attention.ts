import {
  accuracyDifference,
  type BenchmarkOutcomes,
  type HeadAttentionChange,
  meanInterval,
} from "../lib/analysis/mod.ts";
import { mean, RandomStream } from "../lib/core/mod.ts";
import {
  attentionMoves,
  derivedTreatment,
  type Laboratory,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { type ClaimResult, intervalVerdict, type MetricValue } from "../lib/report/mod.ts";
import { endsOf, intervalMetric } from "./_measured.ts";

/** Directions of equal norm that the vector is compared with. */
const RANDOM_DIRECTIONS = 4;
/** Share of attention that may move while patterns count as largely intact. */
const LARGELY_INTACT = 0.1;

/** How far the vector moves the last block's attention. */
export interface AttentionReading {
  /** Share of attention that goes elsewhere in each text, mean over heads. */
  readonly moved: readonly number[];
  readonly values: readonly MetricValue[];
}

/** Directions drawn from a normal distribution, as long as a vector. */
function randomDirections(vector: Treatment, layer: number): readonly Treatment[] {
  const length = Math.hypot(...vector.steer?.get(layer) ?? []);
  const embed = vector.steer?.get(layer)?.length ?? 0;
  return Array.from({ length: RANDOM_DIRECTIONS }, (_, turn) => {
    const stream = new RandomStream(turn, "direction of equal norm");
    const drawn = Array.from({ length: embed }, () => stream.normal());
    const scale = length / Math.hypot(...drawn);
    return derivedTreatment(`random-${turn} as long as ${vector.name}`, {
      of: [vector],
      steer: new Map([[layer, Float32Array.from(drawn, (value) => scale * value)]]),
    });
  });
}

/** Attention weights of the last block with the vector and with random directions, against those without. */
export async function readAttention(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly vector: Treatment },
): Promise<AttentionReading> {
  const { zoo, vector } = options, last = zoo.layers - 1;
  const treatments = [vector, ...randomDirections(vector, last - 1)];
  const moves = await attentionMoves(lab, { zoo, treatments, layer: last, texts: lab.size.read });
  const perText = (texts: readonly (readonly HeadAttentionChange[])[]) =>
    texts.map((heads) => mean(heads.map(({ moved }) => moved)));
  const own = moves[0] ?? [], shares = perText(own);
  const moved = meanInterval(shares), random = meanInterval(perText(moves.slice(1).flat()));
  const { heads } = zoo.model.config, unit = "share of attention";
  return {
    moved: shares,
    values: [
      intervalMetric(moved, {
        name: "attention.moved",
        unit,
        note: "Share of the last block's attention that goes elsewhere under the vector, mean over heads.",
      }),
      {
        name: "attention.moved.random",
        value: random.mean,
        unit,
        note: `The same under ${RANDOM_DIRECTIONS} random directions of equal norm.`,
      },
      ...Array.from({ length: heads }, (_, head): MetricValue => {
        const byHead = meanInterval(own.map((rows) => (rows[head] as HeadAttentionChange).moved));
        return intervalMetric(byHead, { name: `attention.moved.head_${head}`, unit });
      }),
      {
        name: "attention.largest_change",
        value: Math.max(...own.flat().map(({ max }) => max)),
        unit: "weight",
        note: "Largest change of any weight in any text.",
      },
    ],
  };
}

/** The claim that attention stays, on the share that moves in each text; open where the vector has no effect that attention could have had a part in. */
export function attentionClaim(
  shares: readonly number[],
  outcomes: { readonly base: BenchmarkOutcomes; readonly whole: BenchmarkOutcomes },
): ClaimResult {
  const gain = accuracyDifference(outcomes.whole, outcomes.base);
  const acts = gain.low > 0, moved = meanInterval(shares);
  return {
    claim: "attention_weights_stay",
    statement: "The vector leaves the last block's attention largely as it is.",
    holds: acts ? intervalVerdict(moved, { below: LARGELY_INTACT }) : null,
    effect: { name: "share of attention that moves", value: moved.mean, unit: "share" },
    interval: endsOf(moved),
    note: acts
      ? `Holds when the interval lies below ${LARGELY_INTACT}, fails when it lies above; the limit is ours.`
      : "Open: the vector's gain over base is not established, so there is nothing for attention to have a part in.",
  };
}
