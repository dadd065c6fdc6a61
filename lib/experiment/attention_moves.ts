import { AttentionChange, type HeadAttentionChange } from "../analysis/mod.ts";
import type { Tensor } from "../core/mod.ts";
import type { Rollout } from "../decode/mod.ts";
import { siteName } from "../model/mod.ts";
import { writeAnswers } from "./_write_answers.ts";
import type { Laboratory } from "./laboratory.ts";
import { additionsOf, type Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo_model.ts";

/** Texts that go through the sequence graph together: [batch, heads, seq, seq] weights are held twice. */
const BATCH_SIZE = 8;

/** Weights of the queries that predict one text's answer, [1, heads, queries, keys]. */
function answerWeights(
  weights: Tensor<"float32">,
  options: { readonly row: number; readonly rollout: Rollout },
): { readonly dims: readonly number[]; readonly values: Float32Array } {
  const { row, rollout } = options;
  const [, heads, seq] = weights.dims as readonly [number, number, number, number];
  // Query p − 1 predicts token p; the last token of the text is read by no query that predicts the answer.
  const queries = rollout.tokens.length, first = rollout.promptTokens.length - 1, keys = first + queries;
  const values = new Float32Array(heads * queries * keys);
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < queries; query++) {
      const from = ((row * heads + head) * seq + first + query) * seq;
      values.set(weights.data.subarray(from, from + keys), (head * queries + query) * keys);
    }
  }
  return { dims: [1, heads, queries, keys], values };
}

/**
 * How far treatments move the attention weights of one block, text by text: answers that the model with the first
 * treatment writes at temperature 1 are read without and with each treatment, and the weights of the queries that
 * predict the answer are compared head by head. [treatment][text][head]; texts without an answer are left out.
 *
 * Source: "leaves attention patterns largely intact", Figure 5 (class: caption); the measure is ours.
 *
 * @throws InputError and the signal's reason, as {@link Laboratory.outcomes}; RangeError without a treatment.
 */
export async function attentionMoves(
  lab: Laboratory,
  options: {
    readonly zoo: ZooModel;
    /** The first writes the texts. */
    readonly treatments: readonly Treatment[];
    /** The block whose attention is compared. */
    readonly layer: number;
    /** Problems that are answered. */
    readonly texts: number;
  },
): Promise<readonly (readonly (readonly HeadAttentionChange[])[])[]> {
  const { zoo, treatments, layer, texts } = options;
  const [writer] = treatments;
  if (writer === undefined) {
    throw new RangeError("Cannot compare attention as there must be a treatment: current count is 0");
  }
  const problems = lab.problems(texts), site = siteName({ layer, kind: "attn_weights" });
  const read = { taps: [site], logits: false };
  const { heads } = zoo.model.config;
  return await lab.measure({
    kind: "attention moves",
    code: import.meta.url,
    zoo,
    treatments,
    problems,
    settings: { layer },
    runs: [null, ...treatments].map((treatment) => ({ ...read, ...additionsOf(treatment) })),
    label: `${writer.name} attention`,
  }, async (onProgress) => {
    const written = await writeAnswers(lab, {
      zoo,
      treatment: writer,
      problems,
      onProgress: (done) => onProgress(Math.floor(done / 2)),
    });
    const rollouts = written.filter(({ tokens }) => tokens.length > 0);
    const moves = treatments.map((): (readonly HeadAttentionChange[])[] => []);
    for (let start = 0; start < rollouts.length; start += BATCH_SIZE) {
      const batch = rollouts.slice(start, start + BATCH_SIZE);
      const rows = batch.map(({ promptTokens, tokens }) => [...promptTokens, ...tokens]);
      const weightsOf = async (treatment: Treatment | null) => {
        const { taps } = await zoo.model.run(rows, { ...read, ...additionsOf(treatment) });
        return taps.get(site) as Tensor<"float32">;
      };
      const base = await weightsOf(null);
      for (const [turn, treatment] of treatments.entries()) {
        const steered = await weightsOf(treatment);
        batch.forEach((rollout, row) => {
          const before = answerWeights(base, { row, rollout }),
            after = answerWeights(steered, { row, rollout });
          const change = new AttentionChange(heads);
          change.add({ dims: before.dims, base: before.values, steered: after.values });
          moves[turn]?.push(change.heads());
        });
      }
      onProgress(Math.floor((rollouts.length + start + batch.length) / 2));
    }
    return moves;
  });
}
