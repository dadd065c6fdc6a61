import { promptTokens } from "../decode/mod.ts";
import type { Laboratory } from "./laboratory.ts";
import type { ZooModel } from "./zoo_model.ts";

/** Prompts that are read together. */
const BATCH_SIZE = 32;

/** Of each prompt what its last token predicts. */
const READ = { logits: "last" } as const;

/** How a model opens its answer to one problem. */
export interface OpenerChance {
  /** Probability of the token as the first one of the answer, at temperature 1. */
  readonly probability: number;
  /** Whether no other token is more likely, so that greedy decoding opens with it. */
  readonly leads: boolean;
}

/** Float64 softmax of one row of logits at one token. */
function chanceOf(logits: Float32Array, token: number): OpenerChance {
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  const own = logits[token] as number;
  return { probability: Math.exp(own - largest) / sum, leads: own === largest };
}

/**
 * How often the unsteered model opens its answers with a token: one number for each of the first `lab.size.traced`
 * held-out problems. Where it nearly always does, neither a prefix nor a vector can gain anything by that token.
 *
 * @throws RangeError for a token beyond the vocabulary, and as {@link Laboratory.measure}.
 */
export async function openerChances(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly token: number },
): Promise<readonly OpenerChance[]> {
  const { zoo, token } = options, { vocab } = zoo.model.config;
  if (!(Number.isInteger(token) && token >= 0 && token < vocab)) {
    throw new RangeError(`Cannot read an opener as its token must be < ${vocab}: current value is ${token}`);
  }
  const problems = lab.problems(lab.size.traced);
  return await lab.measure(
    {
      kind: "opener",
      code: import.meta.url,
      zoo,
      problems,
      settings: { token, template: lab.asked.template },
      runs: [READ],
      label: "first tokens",
    },
    async (onProgress) => {
      const chances: OpenerChance[] = [];
      for (let first = 0; first < problems.length; first += BATCH_SIZE) {
        const prompts = problems.slice(first, first + BATCH_SIZE)
          .map(({ question }) => promptTokens(zoo.tokenizer, question, { template: lab.asked.template }));
        const { logits } = await zoo.model.run(prompts, READ);
        prompts.forEach((_, row) =>
          chances.push(
            chanceOf(logits?.data.subarray(row * vocab, (row + 1) * vocab) as Float32Array, token),
          )
        );
        onProgress(chances.length);
      }
      return chances;
    },
  );
}
