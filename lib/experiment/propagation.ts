import { type PersistenceCell, PersistenceSums, type TextDifferences } from "../analysis/mod.ts";
import {
  type ComparedText,
  type SteeringVectors,
  streamDifferenceGraph,
  streamDifferences,
  type SummedDifferences,
} from "../decode/mod.ts";
import type { Laboratory } from "./laboratory.ts";
import { inTurn } from "./planning_store.ts";
import type { StudyProblem } from "./study_problems.ts";
import { additionsOf, type Treatment } from "./treatment.ts";
import { writeAnswers } from "./_write_answers.ts";
import type { ZooModel } from "./zoo_model.ts";

/** What the vector of one layer does to the residual stream of all later layers. */
export interface Propagation {
  /** The layer i whose vector s_i was added, alone. */
  readonly source: number;
  /** Answers that were read. */
  readonly texts: number;
  /** Of these, answers that came to no end. */
  readonly truncated: number;
  /** Cosines of the differences at answer positions, by read layer j ≥ i. */
  readonly cells: readonly PersistenceCell[];
  /** Differences behind the last block at answer positions, summed text by text. */
  readonly finalDifferences: TextDifferences;
  /** The same behind the final norm: products with the unembedding are changes of logits. */
  readonly logitDifferences: TextDifferences;
  /** By the published rules: the prompt counts too, means are of the token's own text. */
  readonly published: {
    /** As `cells`. */
    readonly cells: readonly PersistenceCell[];
    /** Mean difference behind the last block, [embed]. */
    readonly finalDifference: readonly number[];
  };
}

interface StoredTexts {
  readonly texts: readonly number[];
  readonly rows: readonly number[];
  readonly sums: readonly (readonly number[])[];
}

interface StoredPropagation extends Omit<Propagation, "finalDifferences" | "logitDifferences"> {
  readonly finalDifferences: StoredTexts;
  readonly logitDifferences: StoredTexts;
}

/** Groups of texts for the jackknife over texts: text t is in group t mod 10. */
const GROUPS = 10;

/** Answer positions, where a row without a difference has no direction; all but the last, as published. */
const COUNTS_ZEROS = [false, true] as const;

/** Nine digits tell any two float32 numbers apart; sums of them need no more, and take half the room in JSON. */
function short(values: ArrayLike<number>): readonly number[] {
  return Array.from(values, (value) => Number(value.toPrecision(9)));
}

function stored({ texts, rows, sums }: TextDifferences): StoredTexts {
  return { texts, rows, sums: sums.map(short) };
}

function restored({ texts, rows, sums }: StoredTexts): TextDifferences {
  return { texts, rows, sums: sums.map((sum) => Float64Array.from(sum)) };
}

async function trace(
  lab: Laboratory,
  options: {
    readonly zoo: ZooModel;
    readonly source: number;
    /** The vectors of all layers, of one training seed. */
    readonly treatments: readonly Treatment[];
    readonly problems: readonly StudyProblem[];
    readonly onProgress: (done: number) => void;
  },
): Promise<StoredPropagation> {
  const { zoo, source, treatments, problems, onProgress } = options;
  const { model, layers } = zoo, { embed } = model.config, last = layers - 1;
  const treatment = treatments[source] as Treatment;
  const rollouts = await writeAnswers(lab, {
    zoo,
    treatment,
    problems,
    onProgress: (done) => onProgress(Math.floor(done / 2)),
  });

  const answer = new PersistenceSums({ layers, embed, groups: GROUPS });
  const whole = new PersistenceSums({ layers, embed, groups: GROUPS, asPublished: true });
  const texts = rollouts.map(({ promptTokens, tokens }) => {
    // Without its last token, which nothing is read on; the published code leaves one more position out at the end.
    const row = [...promptTokens, ...tokens].slice(0, -1), { length } = row;
    // The last prompt position is the first that predicts a token of the answer.
    return { tokens: row, spans: [[promptTokens.length - 1, length], [0, length - 1]] as const };
  });
  const differences = { last: [] as Float64Array[], normed: [] as Float64Array[] };
  let done = 0;
  for (let group = 0; group < Math.min(GROUPS, texts.length); group++) {
    const own = [...texts.keys()].filter((text) => text % GROUPS === group);
    const found = await streamDifferences(model, own.map((text) => texts[text] as ComparedText), {
      additions: additionsOf(treatment),
      countsZeros: COUNTS_ZEROS,
    });
    for (const [layer, [ofAnswer, ofWhole]] of found.layers) {
      answer.addGroup(ofAnswer as SummedDifferences, { group, layer });
      whole.addGroup(ofWhole as SummedDifferences, { group, layer });
    }
    own.forEach((text, place) => {
      differences.last[text] = found.last[place] as Float64Array;
      differences.normed[text] = found.normed[place] as Float64Array;
    });
    done += own.length;
    onProgress(Math.floor((rollouts.length + done) / 2));
  }
  const byText = (sums: readonly Float64Array[]): TextDifferences => ({
    texts: [...texts.keys()],
    rows: texts.map(({ spans: [[from, to]] }) => to - from),
    sums,
  });
  const targets: SteeringVectors = new Map(
    treatments.flatMap(({ steer = new Map() }, layer) => layer < source ? [] : [...steer]),
  );
  return {
    source,
    texts: rollouts.length,
    truncated: rollouts.filter(({ finished }) => !finished).length,
    cells: answer.read(targets),
    finalDifferences: stored(byText(differences.last)),
    logitDifferences: stored(byText(differences.normed)),
    published: {
      cells: whole.read(targets),
      finalDifference: short(whole.meanDifference(last) ?? new Float64Array(embed)),
    },
  };
}

/**
 * How the vector of each layer lives on in the layers behind it: [training seed][source layer]. The model steered by
 * s_i alone answers the first `lab.size.read` held-out problems at temperature 1, one answer each, by the evaluation
 * seeds in turn; two passes over each text, without and with s_i, give the differences D = h_steered − h_base behind every
 * block from i on, in the model's own number format. There are as many training seeds as every layer has; targets s_j
 * are of the same seed.
 *
 * Answer positions are those that predict a token of the answer, its end included. The published averages take all
 * positions but the last two, the prompt with them, whose tokens are no part of what a vector does to an answer.
 *
 * Source: Figures 2 and 14 (class: code), whose code draws 100 problems of the training set and works in bfloat16.
 *
 * @throws InputError for a missing run of a layer, before anything is measured, and as {@link Laboratory.measure}.
 */
export async function propagation(
  lab: Laboratory,
  zoo: ZooModel,
): Promise<readonly (readonly Propagation[])[]> {
  const byLayer: (readonly Treatment[])[] = [];
  for (let layer = 0; layer < zoo.layers; layer++) byLayer.push(await zoo.trained(`layer-${layer}`));
  const seeds = Math.min(...byLayer.map((runs) => runs.length));
  const problems = lab.problems(lab.size.read);
  const bySeed = Array.from({ length: seeds }, (_, turn) => {
    const treatments = byLayer.map((runs) => runs[turn] as Treatment);
    return treatments.map(({ name }, source) => async (): Promise<Propagation> => {
      const kept = await lab.measure(
        {
          kind: "propagation",
          code: import.meta.url,
          zoo,
          treatments, // the targets decide the result as the source does
          problems,
          settings: { source },
          runs: [],
          graphs: [
            streamDifferenceGraph(zoo.model, {
              additions: additionsOf(treatments[source] as Treatment),
              countsZeros: COUNTS_ZEROS,
            }),
          ],
          label: `${name} propagation`,
        },
        (onProgress) => trace(lab, { zoo, source, treatments, problems, onProgress }),
      );
      return {
        ...kept,
        finalDifferences: restored(kept.finalDifferences),
        logitDifferences: restored(kept.logitDifferences),
      };
    });
  });
  return await inTurn(bySeed.map((asks) => () => inTurn(asks)));
}
